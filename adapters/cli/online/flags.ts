// The commands and flags of `online-endpoint` and `online-deployment`: those of az ml, and some of scorefn's own.

export type Noun = "online-endpoint" | "online-deployment";

export interface OnlineFlag {
  /** As the user types them. The first one is the key of its value. */
  readonly names: readonly string[];
  /** `boolean`: a switch that may have `true` or `false` behind it. `words`: all that follow it, each time it is given. `many`: one
   *  word each time. */
  readonly kind: "value" | "switch" | "boolean" | "words" | "many";
  readonly help: string;
  readonly choices?: readonly string[];
  readonly metavar?: string;
  /** Not a flag of az, so an abbreviation that fits both means the flag of az. */
  readonly isOurs?: true;
}

export interface Verb {
  readonly name: string;
  readonly help: string;
  readonly flags: readonly OnlineFlag[];
}

const value = (names: string, help: string, more: Partial<OnlineFlag> = {}): OnlineFlag => ({
  names: names.split(" "),
  kind: "value",
  help,
  ...more,
});
const ours = (names: string, help: string, more: Partial<OnlineFlag> = {}): OnlineFlag =>
  value(names, help, { isOurs: true, ...more });

const ENDPOINT_NAME = value("--name -n", "Name of the endpoint.");
const FILE = value("--file -f", "Azure ML YAML file.", { metavar: "FILE" });
const NO_WAIT = value("--no-wait", "Return at once; the work goes on.", { kind: "switch" });
const YES = value("--yes -y", "Do not ask.", { kind: "switch" });
const SET = value("--set", "Values in place of those of the file.", { kind: "words", metavar: "KEY=VALUE" });
const CHANGES = [
  SET,
  value("--add", "Adds to a list.", { kind: "words", metavar: "LIST" }),
  value("--remove", "Removes a key, or an element of a list.", { kind: "words", metavar: "KEY" }),
  value("--force-string", "Takes the values of --set and --add as text.", { kind: "switch" }),
];
const LINES = value("--lines -l", "How many lines, from the end.", { metavar: "N" });

/** Accepted because scripts for Azure have it. */
const LOCAL = value("--local", "Everything is local here; changes nothing.", { kind: "boolean" });
const WEB = value("--web", "There is no studio here; changes nothing.", { kind: "switch" });
const DEBUG = value("--vscode-debug", "Changes nothing.", { kind: "boolean" });
const PACKAGE = value("--with-package", "Changes nothing.", { kind: "boolean" });
const SKIP = value("--skip-script-validation", "Changes nothing: no script is checked first.", { kind: "switch" });

const ASSETS = [
  ours("--model", "Where a registered model lies.", { kind: "many", metavar: "NAME[:VERSION]=PATH" }),
  ours("--environment", "Python that stands for a registered environment.", {
    kind: "many",
    metavar: "NAME[:VERSION]=PYTHON",
  }),
  ours("--python", "Python of a deployment.", { kind: "many", metavar: "DEPLOYMENT=PYTHON" }),
  ours("--no-environments", "Makes no environments; the active Python takes their place.", { kind: "switch" }),
  ours("--secrets", "YAML or JSON file with the values of secrets.", { metavar: "FILE" }),
  ours("--upstream", "Server that takes a deployment's requests.", {
    kind: "many",
    metavar: "DEPLOYMENT=http://HOST:PORT",
  }),
];
const ADDRESS = [
  ours("--port", "Port for scoring."),
  ours("--host", "Address for scoring. Default is 127.0.0.1, this machine alone."),
];
const RUNNING = [
  ...ADDRESS,
  ours(
    "--gateway",
    "Statuses as Azure's gateway sends them, as a Kubernetes cluster's, or the script's own. Default is the endpoint's kind.",
    { choices: ["managed", "kubernetes", "none"] },
  ),
  ours("--cloud-error-text", "Adds the text to error answers that Azure adds to them.", { kind: "switch" }),
  ours("--keep-authorization", "Shows scripts the keys and tokens of their clients, which Azure strips.", {
    kind: "switch",
  }),
  ours("--max-rate", "Requests a second that the endpoint takes; further ones get 429. Default is no limit."),
  ours("--metrics", "Path at which Prometheus finds the metrics, with the endpoint's key.", { metavar: "PATH" }),
  ours("--tolerance", "Mirror: numbers no further apart than this are equal. Default is 0."),
  ours("--ignore", "Mirror: part of the answers that is not compared, such as $.id.", {
    kind: "many",
    metavar: "PATH",
  }),
  ...ASSETS,
];

const DEPLOYMENT_NAMES = [
  value("--name -n", "Name of the deployment."),
  value("--endpoint-name -e", "Name of its endpoint."),
];

export const VERBS: Readonly<Record<Noun, readonly Verb[]>> = {
  "online-endpoint": [
    {
      name: "create",
      help: "start an endpoint in the background",
      flags: [
        ENDPOINT_NAME,
        FILE,
        value("--auth-mode", "How clients are let in: key, aml_token or aad_token. Default is key."),
        SET,
        NO_WAIT,
        LOCAL,
        WEB,
        ...RUNNING,
      ],
    },
    {
      name: "update",
      help: "change traffic, mirroring or the file's values",
      flags: [
        ENDPOINT_NAME,
        FILE,
        value("--traffic -r", "Percent of the requests for each deployment; one that is not named gets none.", {
          kind: "words",
          metavar: "DEPLOYMENT=PERCENT",
        }),
        value("--mirror-traffic", "Percent of the requests that a deployment gets copies of; 0 ends it.", {
          kind: "words",
          metavar: "DEPLOYMENT=PERCENT",
        }),
        ...CHANGES,
        NO_WAIT,
        LOCAL,
        WEB,
        ...ADDRESS,
      ],
    },
    { name: "show", help: "what an endpoint is", flags: [ENDPOINT_NAME, LOCAL, WEB] },
    { name: "list", help: "all endpoints of this user", flags: [LOCAL] },
    { name: "delete", help: "end an endpoint, with its deployments", flags: [ENDPOINT_NAME, YES, NO_WAIT, LOCAL] },
    {
      name: "invoke",
      help: "send a request",
      flags: [
        ENDPOINT_NAME,
        value("--deployment-name --deployment -d", "Deployment that is to answer, whatever its traffic."),
        value("--request-file -r", "JSON file with the request.", { metavar: "FILE" }),
        LOCAL,
      ],
    },
    { name: "get-credentials", help: "keys, or a token", flags: [ENDPOINT_NAME] },
    {
      name: "regenerate-keys",
      help: "make a key anew",
      flags: [ENDPOINT_NAME, value("--key-type", "primary or secondary. Default is primary."), NO_WAIT],
    },
    {
      name: "serve",
      help: "serve an endpoint and its deployments in the foreground",
      flags: [
        ENDPOINT_NAME,
        value("--file -f", "YAML file of the endpoint or of a deployment; given for each of them.", {
          kind: "many",
          metavar: "FILE",
          isOurs: true,
        }),
        ...RUNNING,
      ],
    },
    {
      name: "report",
      help: "figures of the deployments side by side, and what the mirror has found",
      flags: [
        ENDPOINT_NAME,
        ours("--max-differences", "Exit code 1 when more of the answers differ: a count (5) or a share (1%)."),
        ours("--report", "How it is written. Default is table.", { choices: ["table", "json", "junit"] }),
      ],
    },
    { name: "open", help: "address of the endpoint's control page", flags: [ENDPOINT_NAME] },
  ],
  "online-deployment": [
    {
      name: "create",
      help: "add a deployment",
      flags: [
        ...DEPLOYMENT_NAMES,
        FILE,
        value("--all-traffic", "Sends all requests to it once it is up.", { kind: "switch" }),
        SET,
        NO_WAIT,
        SKIP,
        LOCAL,
        WEB,
        DEBUG,
        value("--local-enable-gpu", "Changes nothing.", { kind: "boolean" }),
        PACKAGE,
        ...ASSETS,
      ],
    },
    {
      name: "update",
      help: "start a new version beside the old one, and move over",
      flags: [...DEPLOYMENT_NAMES, FILE, ...CHANGES, NO_WAIT, SKIP, LOCAL, WEB, DEBUG, PACKAGE, ...ASSETS],
    },
    { name: "show", help: "what a deployment is", flags: [...DEPLOYMENT_NAMES, LOCAL, WEB] },
    { name: "list", help: "all deployments of an endpoint", flags: [DEPLOYMENT_NAMES[1]!, LOCAL] },
    { name: "delete", help: "end a deployment that has no traffic", flags: [...DEPLOYMENT_NAMES, YES, NO_WAIT, LOCAL] },
    {
      name: "get-logs",
      help: "the last lines that a deployment has written",
      flags: [
        ...DEPLOYMENT_NAMES,
        LINES,
        value("--container -c", "inference-server or storage-initializer.", {
          choices: ["inference-server", "storage-initializer"],
        }),
        LOCAL,
        ours("--follow", "Goes on with what the deployment writes, until it is deleted or Ctrl+C.", { kind: "switch" }),
      ],
    },
  ],
};

/** Flags of every command. */
export const GLOBAL_FLAGS: readonly OnlineFlag[] = [
  value("--output -o", "Form of the output. Default is json.", {
    choices: ["json", "jsonc", "yaml", "yamlc", "table", "tsv", "none"],
  }),
  value("--query", "JMESPath expression of what to print.", { metavar: "EXPRESSION" }),
  value("--resource-group -g", "Changes nothing."),
  value("--workspace-name -w", "Changes nothing."),
  value("--subscription", "Changes nothing."),
  value("--only-show-errors", "Only errors on stderr.", { kind: "switch" }),
  value("--verbose", "Changes nothing.", { kind: "switch" }),
  value("--debug", "Changes nothing.", { kind: "switch" }),
];

/** Notes about flags that have no effect here. The other ones without an effect need no note. */
export const NOTES: Readonly<Record<string, string>> = {
  "--web": "--web changes nothing: see online-endpoint open for a page of this endpoint",
  "--vscode-debug": "--vscode-debug changes nothing: no container is made",
  "--local-enable-gpu": "--local-enable-gpu changes nothing: scripts run on this machine and see its devices",
  "--with-package": "--with-package changes nothing: no package is made",
};
