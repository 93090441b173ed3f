import { format } from "node:util";
import type { Log } from "../core/log.ts";

type Method = (...values: unknown[]) => void;

/** Methods of a console whose output becomes records. In the format text, what goes to stderr stays there as it is. */
export function consoleMethods(log: Log): Readonly<Record<string, Method>> {
  const info: Method = (...values) => log.print.info(format(...values));
  const printed = { log: info, info, debug: info };
  if (log.format === "text") return printed;
  return {
    ...printed,
    warn: (...values) => log.print.warning(format(...values)),
    error: (...values) => log.print.error(format(...values)),
  };
}
