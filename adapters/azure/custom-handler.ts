// The other way into Azure Functions: the host starts this server and proxies requests to it, with no library between.
import {
  type Address,
  batchLines,
  type Config,
  createLog,
  DeadlineError,
  type Environment,
  processEnvironment,
} from "../../src/host.ts";
import type { Exchange } from "../http/exchange.ts";
import { createHttpServer } from "../http/index.ts";
import { hideKey, withoutKey } from "./function-key.ts";
import { LIMIT_MS } from "./handler.ts";
import { type AzureServiceOptions, createParts, STOP_GRACE_MS } from "./service.ts";

export interface CustomHandlerOptions extends Omit<AzureServiceOptions, "writeOutside"> {
  /** Gets whole lines of the log; default: stdout, which the host logs. */
  readonly write?: ((text: string) => void) | undefined;
  /** Milliseconds after which a request gets 504. Default: 228,000. */
  readonly limitMs?: number;
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
  const { config, log, scorer, ready, telemetry, close } = createParts(options, ({ logLevel, logFormat }) =>
    createLog(write, logLevel, logFormat),
  );
  const { limitMs = LIMIT_MS } = options;
  const onExchange = (exchange: Exchange): void => {
    hideKey(exchange);
    exchange.url = withoutKey(exchange.url);
    endInTime(exchange, limitMs);
  };
  const server = createHttpServer(scorer, { ...config, onExchange }, log);
  // A tenth of a second, so that the request that the instance was started for is traced.
  await telemetry?.load();
  const { port } = await server.listen(ownAddress(config, options.env));
  void ready();
  return {
    port,
    ready,
    async close() {
      await close(server.close(STOP_GRACE_MS));
      flush();
    },
  };
}

/** An answer that has begun is the front end's to end. */
function endInTime(exchange: Exchange, limitMs: number): void {
  const timer = setTimeout(() => {
    if (!exchange.response.headersSent) exchange.signal.abort(new DeadlineError(limitMs));
  }, limitMs).unref();
  exchange.response.once("close", () => clearTimeout(timer));
}

/** Where the host looks for us, whatever other addresses the settings name. */
function ownAddress({ listen }: Config, env: Environment = processEnvironment): Address {
  const given = Number(env.FUNCTIONS_CUSTOMHANDLER_PORT);
  return listen.find(({ port }) => port === given) ?? listen[0]!;
}

/** Serves until the host ends the process. */
export async function runCustomHandler(options: CustomHandlerOptions): Promise<void> {
  const { close } = await startCustomHandler(options);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void close().finally(() => process.exit(0)));
  }
}
