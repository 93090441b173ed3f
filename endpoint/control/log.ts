import { batchLines, createLog, type Environment, type Log, processEnvironment } from "../../src/host.ts";

/** The log of an endpoint's process. All lines of one turn of the event loop are written together.
 *  @param write gets whole lines   @param env says whether records are JSON, for the endpoint as for its deployments
 *  @returns `flush` to hand over what is left */
export function openLog(
  write: (text: string) => void,
  { SCOREFN_LOG_FORMAT }: Environment = processEnvironment,
): { readonly log: Log; readonly flush: () => void } {
  const format = SCOREFN_LOG_FORMAT === "json" ? "json" : "text";
  const lines = batchLines(write, format);
  const log = createLog(lines.write, "INFO", format);
  // Records of deployments are objects already.
  const line = (text: string): void => (text.startsWith("{") ? lines.write(`${text}\n`) : log.line(text));
  return { log: { ...log, line }, flush: lines.flush };
}
