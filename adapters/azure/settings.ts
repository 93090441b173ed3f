// Settings that only Azure Functions has.
import { type HostSetting, type HostSettings, PORT_RANGE } from "../../src/host.ts";

export interface AzureSettings {
  /** Who may call /score of a function app: anybody, or who has a key of the function or of the app. */
  readonly functionsAuthLevel: "anonymous" | "function" | "admin";
  /** Bodies of a function app travel by HTTP, piece by piece, not whole inside messages. */
  readonly functionsHttpStream: boolean;
}

const AUTH_LEVEL: HostSetting = {
  variable: "SCOREFN_FUNCTIONS_AUTH_LEVEL",
  flag: null,
  scope: "scorefn",
  kind: "choice",
  choices: ["anonymous", "function", "admin"],
  default: "function",
  unit: null,
  help: "Azure Functions: which key a call of /score needs.",
};

const HTTP_STREAM: HostSetting = {
  variable: "SCOREFN_FUNCTIONS_HTTP_STREAM",
  flag: null,
  scope: "scorefn",
  kind: "boolean",
  default: "true",
  unit: null,
  help: "Azure Functions: bodies travel by HTTP, piece by piece; `false`: whole, inside messages to the host.",
};

const PORT: HostSetting = {
  variable: "FUNCTIONS_CUSTOMHANDLER_PORT",
  flag: null,
  scope: "host",
  ...PORT_RANGE,
  default: null,
  help: "Port to listen on at 127.0.0.1. Azure Functions sets it for a custom handler.",
};

export const azureSettings: HostSettings<AzureSettings> = {
  rows: [AUTH_LEVEL, HTTP_STREAM, PORT],
  read: (read) => ({
    functionsAuthLevel: read.choice(AUTH_LEVEL),
    functionsHttpStream: read.boolean(HTTP_STREAM),
  }),
  listen(read) {
    const port = read.integer(PORT);
    return port === null ? {} : { addresses: [{ host: "127.0.0.1", port }] };
  },
};
