// Where AWS Lambda has the local server listen when that is the function (`scorefn serve` in an image).
import { type HostSetting, type HostSettings, PORT_RANGE } from "../../src/host.ts";

const ENDPOINT: HostSetting = {
  variable: "AWS_LAMBDA_HTTP_ENDPOINT",
  flag: null,
  scope: "host",
  kind: "address",
  default: null,
  unit: null,
  help: "`host:port` to listen on. AWS Lambda Web Functions sets it.",
};

const ADAPTER_PORT: HostSetting = {
  variable: "AWS_LWA_PORT",
  alias: "PORT",
  flag: null,
  scope: "host",
  ...PORT_RANGE,
  default: null,
  help: "Port in place of 5001 behind the AWS Lambda Web Adapter. Read only where AWS_LAMBDA_RUNTIME_API is set.",
};

export const lambdaPlatform: HostSettings = {
  rows: [ENDPOINT, ADAPTER_PORT],
  read: () => ({}),
  listen(read, env) {
    const endpoint = read.address(ENDPOINT);
    if (endpoint !== null) return { addresses: [endpoint] };
    // Elsewhere PORT may belong to another program.
    return { port: env.AWS_LAMBDA_RUNTIME_API ? (read.integer(ADAPTER_PORT) ?? undefined) : undefined };
  },
};
