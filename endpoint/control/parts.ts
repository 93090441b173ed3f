// Where an endpoint's control gets the other parts of an endpoint from. Each is loaded when it is first asked for.
import { ConfigError } from "../../src/host.ts";
import type { Parts } from "./types.ts";

export const PARTS: Parts = {
  files: () => missing("endpoint/spec"),
  report: () => missing("endpoint/mirror"),
  flags: () => missing("endpoint/assets"),
  running: () => missing("endpoint/gateway, endpoint/deployment and endpoint/page"),
};

function missing(folder: string): never {
  throw new ConfigError("ERR_CONFIG", `this scorefn was built without ${folder}`);
}
