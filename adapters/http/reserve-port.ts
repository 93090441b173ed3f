import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { ScoreError } from "../../src/host.ts";

/** A port that is this process's already. */
export interface ReservedPort {
  readonly port: number;
  /** Listens there; whoever serves takes its socket over. */
  readonly listener: Server;
}

/** Has the system pick a free port and holds it, so that banner, log and script can name it before anything is served.
 *  @throws ScoreError `ERR_PORT` */
export async function reservePort(host: string): Promise<ReservedPort> {
  const listener = createServer().listen(0, host);
  try {
    await once(listener, "listening");
  } catch (cause) {
    throw new ScoreError("ERR_PORT", `cannot listen on ${host}: ${(cause as Error).message}`, { cause });
  }
  return { port: (listener.address() as AddressInfo).port, listener };
}
