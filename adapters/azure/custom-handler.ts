// The other way into Azure Functions: the host starts this server and proxies requests to it, with no library between.
import { batchLines, createLog } from "../../src/host.ts";
import { createHttpServer } from "../http/index.ts";
import { type AzureServiceOptions, createParts, STOP_GRACE_MS } from "./service.ts";

export interface CustomHandlerOptions extends Omit<AzureServiceOptions, "writeOutside"> {
  /** Gets whole lines of the log; default: stdout, which the host logs. */
  readonly write?: ((text: string) => void) | undefined;
}

export interface CustomHandler {
  readonly port: number;
  /** Resolves when init() is done, or has failed. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** Listens on FUNCTIONS_CUSTOMHANDLER_PORT at once, because the host asks for an answer within 30 s of the start however
 *  long init() takes; requests wait for init(), and are told when it failed.
 *  @throws the listening error */
export async function startCustomHandler(options: CustomHandlerOptions): Promise<CustomHandler> {
  const { write, flush } = batchLines(options.write ?? ((text) => process.stdout.write(text)));
  const { config, log, runtime, scorer, ready } = createParts(options, (threshold) => createLog(write, threshold));
  const server = createHttpServer(scorer, config, log);
  const { port } = await server.listen(config.listen[0]!);
  void ready();
  return {
    port,
    ready,
    async close() {
      await Promise.all([server.close(STOP_GRACE_MS), runtime.close(STOP_GRACE_MS)]);
      flush();
    },
  };
}

/** Serves until the host ends the process. */
export async function runCustomHandler(options: CustomHandlerOptions): Promise<void> {
  const { close } = await startCustomHandler(options);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void close().finally(() => process.exit(0)));
  }
}
