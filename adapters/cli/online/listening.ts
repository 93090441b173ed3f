import type { Listen } from "../../../endpoint/control/running.ts";
import { type Log, ScoreError } from "../../../src/host.ts";
import { createHttpServer } from "../../http/index.ts";

/** No limit, as Azure has none that is documented. */
const NO_BODY_LIMIT = 0;

const nothing = (): void => {};

/** The gateway keeps records of its own. */
const SILENT: Log["access"] = { debug: nothing, info: nothing, warning: nothing, error: nothing, critical: nothing };

/** What answers at an endpoint's port. */
export const listen: Listen = async (scorer, { host, port }, log) => {
  const server = createHttpServer(scorer, { maxBodyBytes: NO_BODY_LIMIT }, { ...log, access: SILENT });
  try {
    const address = await server.listen({ host, port });
    return { port: address.port, close: (graceMs) => server.close(graceMs) };
  } catch (cause) {
    throw new ScoreError("ERR_PORT", problemOf(host, port, cause as NodeJS.ErrnoException), { cause });
  }
};

function problemOf(host: string, port: number, { code, message }: NodeJS.ErrnoException): string {
  if (code === "EADDRINUSE") {
    return `port ${port} is in use; stop what listens there, or choose another with --port; for an endpoint that exists: online-endpoint update -n NAME --port N`;
  }
  if (code === "EACCES") return `port ${port} needs more rights; choose one above 1023 with --port`;
  return `cannot listen on ${host}, port ${port}: ${message}; name an address of this machine with --host`;
}
