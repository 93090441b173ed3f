import type { Environment, SettingsReader } from "./reader.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
  /** Present and true: the separate health port. */
  readonly health?: true;
}

/** Where to listen.
 *  - Usually at `--host` and `--port` (5001). Behind the AWS Lambda Web Adapter, whose app learns its port from
 *    AWS_LWA_PORT or PORT, that port takes the place of 5001; elsewhere PORT is not ours to read.
 *  - Where AWS_LAMBDA_HTTP_ENDPOINT (`host:port`, Lambda Web Functions) or FUNCTIONS_CUSTOMHANDLER_PORT (at 127.0.0.1,
 *    Azure Functions) is set, there instead; `--port` adds the usual address.
 *  - With SEPERATE_HEALTH_ENDPOINT=true also at `--health_port`, which serves the same routes (contract RT-9). The
 *    same number for both is listed twice and fails like any busy port (ENV-9).
 *  @returns the first is the main one: its port is what banner and scripts see as SERVER_PORT unless `--port` says */
export function resolveListen(read: SettingsReader, env: Environment): readonly Address[] {
  const addresses: Address[] = [];
  const endpoint = lambdaEndpoint(read);
  if (endpoint !== undefined) addresses.push(endpoint);
  const functionsPort = read.integer("functionsPort");
  if (functionsPort !== null) addresses.push({ host: "127.0.0.1", port: functionsPort });

  const host = read.textOrDefault("host");
  const explicit = read.given("port") !== undefined;
  if (explicit || addresses.length === 0) {
    const adapterPort = env.AWS_LAMBDA_RUNTIME_API && !explicit ? read.integer("lambdaPort") : null;
    const port = adapterPort ?? read.integerOrDefault("port");
    if (!addresses.some((address) => address.port === port)) addresses.push({ host, port });
  }
  if (hasSeparateHealth(read)) addresses.push({ host, port: read.integerOrDefault("healthPort"), health: true });
  return addresses;
}

export function hasSeparateHealth(read: SettingsReader): boolean {
  return read.text("separateHealthEndpoint") === "true";
}

function lambdaEndpoint(read: SettingsReader): Address | undefined {
  const text = read.given("lambdaEndpoint")?.text;
  if (text === undefined) return undefined;
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) {
    read.reject("lambdaEndpoint", "must be host:port");
    return undefined;
  }
  return { host: match[1] ?? match[2]!, port };
}
