import type { Difference } from "./compare.ts";

/** Why the two servers may differ somewhere. It explains every difference that all its patterns fit. */
export interface Known {
  /** Id of the statement of the contract whose RULE decides so, or that leaves it open; then `reason` says why we differ. */
  readonly rule: string;
  readonly reason?: string;
  /** Default: every scenario. */
  readonly scenario?: RegExp;
  /** Default: every place. */
  readonly where?: RegExp;
  /** What only the reference shows; absent: nothing. */
  readonly reference?: RegExp;
  /** What only we show; absent: nothing. */
  readonly ours?: RegExp;
}

export function explains({ scenario, where, reference, ours }: Known, difference: Difference): boolean {
  const pattern = { reference, ours }[difference.only];
  return (
    pattern?.test(difference.what) === true &&
    (scenario?.test(difference.scenario) ?? true) &&
    (where?.test(difference.where) ?? true)
  );
}

/** False when one of its two sides explains nothing. */
export function isNeeded(entry: Known, differences: readonly Difference[]): boolean {
  const sides = (["reference", "ours"] as const).filter((side) => entry[side] !== undefined);
  return sides.every((side) => differences.some((one) => one.only === side && explains(entry, one)));
}

const STDOUT = /^stdout$/;
const STDERR = /^stderr$/;
/** The access records of an answer with so many bytes. */
const accessOf = (status: number, bytes: string): string =>
  `I azmlinfsrv - [A-Z]+ \\S+ ${status} <ms>ms ${bytes}|I gunicorn\\.access - .* ${status} \\d+ "-" "-"`;
/** Our answer and log where run() raised (ERR-9). */
const RUN_FAILED = new RegExp(
  [
    '^(500|92|application/json|True|<guid>|{"message": "An unexpected error occurred in scoring script\\. .*',
    "E azmlinfsrv - Encountered Exception:",
    '  File "<folder>/.*| {4}.*|\\w+(Error|Exit|Interrupt)(: .*)?',
    `${accessOf(500, "92")})$`,
  ].join("|"),
);

const BANNER = new RegExp(
  [
    "^(-*",
    "Server (Settings|Routes)",
    "The environment variable 'AZUREML_MODEL_DIR' has not been set\\.",
    "Use the --model_dir command line argument to set it\\.",
    "(Entry Script Name|Model Directory|Config File|Worker Count|Worker Timeout \\(seconds\\)|Server Port|Health Port): .*",
    "(Application Insights (Enabled|Key)|CORS for the specified origins): .*",
    "Create dedicated endpoint for health: .*",
    "Liveness Probe: GET .*",
    "Score: {10}POST .*)$",
  ].join("|"),
);

export const known: readonly Known[] = [
  // Our name, and what we say of ourselves.
  {
    rule: "ENV-11",
    where: /header x-ms-server-version$/,
    reference: /^azmlinfsrv\/1\.5\.1$/,
    ours: /^scorefn\/[\d.]+$/,
  },
  {
    rule: "ENV-11",
    where: STDOUT,
    reference: /^Azure ML Inferencing HTTP server v1\.5\.1$/,
    ours: /^Azure ML Inferencing HTTP server compatible: scorefn v[\d.]+$/,
  },
  {
    rule: "ENV-11",
    where: STDOUT,
    reference: /^Inferencing HTTP server version: azmlinfsrv\/1\.5\.1$/,
    ours: /^Inferencing HTTP server version: scorefn\/[\d.]+$/,
  },
  { rule: "LOG-4", where: STDOUT, reference: /- Loaded logging config from /, ours: /- Loaded logging config from / },

  // Records of the reference that mislead.
  {
    rule: "CFG-9",
    where: STDOUT,
    reference: /^(Extra keys = \[|W azmlinfsrv - Found extra keys in the config file that are not supported)/,
  },
  { rule: "CFG-9", scenario: /^CFG-9/, where: STDOUT, ours: /^Extra keys = \['WORKER_COUNT', 'MINE'\]$/ },
  {
    rule: "CFG-3",
    scenario: /^CFG-3/,
    where: STDOUT,
    ours: /^W azmlinfsrv - The config file .* is missing or empty; /,
  },
  { rule: "TEL-12", where: STDOUT, reference: /^W azmlinfsrv\.trace - Model directory is not set or does not exist: / },
  {
    rule: "TEL-12",
    scenario: /^(BAN-4|INIT-2|CFG-6|IS-11 SW-14|IN-6 a scikit)/,
    where: STDOUT,
    reference:
      /^(E azmlinfsrv\.trace - Error while fetching model IDs|ValueError: invalid literal|NotADirectoryError: )/,
  },

  // Command line: our own flags come on top.
  { rule: "CLI-6", scenario: /^CLI-6/, where: /^exit code$/, reference: /^1$/, ours: /^0$/ },
  {
    rule: "CLI-2",
    reason: "the command has flags of its own",
    scenario: /^CLI-[56]/,
    where: STDOUT,
    ours: /^$|^scorefn options:$|^settings that are environment variables only:$|^examples:$|^ {2}/,
  },
  {
    rule: "CLI-2",
    reason: "the command has flags of its own",
    scenario: /^CLI-[56]/,
    reference: /^ +\[--config_file CONFIG_FILE\]$/,
    ours: /^ +\[--/,
  },

  // Keys of config.json that the reference reads and forgets.
  {
    rule: "CFG-6",
    scenario: /^CFG-6 keys/,
    where: STDOUT,
    reference:
      /^(The environment variable 'AZUREML_MODEL_DIR'|Use the --model_dir|(Model Directory|Application Insights Key|CORS for the specified origins): None$)/,
    ours: /^(Invalid Application Insights|Application Insights has been disabled\.|Model Directory: models|Application Insights Key: AppInsights key provided|CORS for the specified origins: Enabling CORS for a\.com|I azmlinfsrv - Enabling CORS for the following origins: a\.com)/,
  },
  { rule: "CFG-6", scenario: /^CFG-6 keys/, where: /header Access-Control-Allow-Origin$/, ours: /^a\.com$/ },
  {
    rule: "CFG-6",
    scenario: /^CFG-6 keys/,
    reference: new RegExp(`^(\\d+|{"environment": .*"AZUREML_MODEL_DIR": null.*|${accessOf(200, "\\d+")})$`),
    ours: new RegExp(
      `^(\\d+|{"environment": .*"AZUREML_MODEL_DIR": "models".*"AML_CORS_ORIGINS": "a.com".*|${accessOf(200, "\\d+")})$`,
    ),
  },

  // Starts that fail: what is wrong is also said on stderr, where the reference has its worker's end.
  {
    rule: "PROC-9",
    reason: "the text is that of the WSGI server; ours says what is wrong",
    scenario: /^(LOAD|SIG|INIT|IS)-/,
    where: STDERR,
    ours: /^scorefn: error: the score script cannot be served: /,
  },
  {
    rule: "PROC-9",
    reason: "the text is that of the WSGI server; ours says what is wrong",
    scenario: /^(LOAD|SIG|INIT|IS)-/,
    where: STDERR,
    ours: /^(hint: |> \d+ \| | {2,}\d* \|)/,
  },
  { rule: "SIG-9", scenario: /^SIG-1 not_callable/, where: STDERR, reference: /5 is not a callable object$/ },
  {
    rule: "SIG-9",
    scenario: /^SIG-1 not_callable/,
    where: STDOUT,
    ours: /^(E azmlinfsrv -|UserScriptError: run in the user script at .* is a int, not a function\.)$/,
  },
  // The prefix, then a readable reason: as CFG-10 decides for config.json.
  {
    rule: "CFG-10",
    scenario: /^(LOG-6|CFG-10)/,
    where: STDOUT,
    reference: /^(C azmlinfsrv - Invalid config file!:|\w+Error: .*)$/,
    ours: /^C azmlinfsrv - Invalid config file!: <folder>\/\w+\.json: (it is not|EISDIR)/,
  },
  {
    rule: "LOAD-4",
    reason: "the same failure in other words",
    scenario: /^LOAD-4/,
    where: STDOUT,
    reference: /^AttributeError: /,
    ours: /^ImportError: /,
  },
  { rule: "CFG-11", scenario: /^CFG-(8|10)/, where: STDOUT, reference: BANNER },
  // Found before anything is started, and told in the log instead of by a traceback.
  { rule: "SW-8", scenario: /^SW-8/, where: STDOUT, reference: BANNER },
  {
    rule: "SW-8",
    scenario: /^SW-8/,
    where: STDOUT,
    reference: /^(Initializing logger$|I azmlinfsrv)/,
    ours: /^E azmlinfsrv - The swagger file <folder>\/swagger[.\d]*\.json cannot be used: (it is not JSON: |EISDIR)/,
  },
  {
    rule: "SW-8",
    scenario: /^SW-8/,
    where: STDERR,
    reference: /^(\w+Error: )?(Expecting .*|\[Errno 21\] Is a directory: .*)$/,
  },
  { rule: "ENV-13", scenario: /^ENV-13/, where: STDOUT, reference: BANNER },
  { rule: "ENV-13", scenario: /^ENV-13/, where: /^exit code$/, reference: /^2$/, ours: /^1$/ },
  {
    rule: "ENV-13",
    scenario: /^ENV-13/,
    where: STDERR,
    reference: /^(ValueError: invalid literal|usage: azmlinfsrv \[OPTIONS\]|azmlinfsrv: error: argument -t)/,
    ours: /^azmlinfsrv: error: WORKER_\w+ must be a whole number, /,
  },
  {
    rule: "TMO-4",
    scenario: /^TMO-4 negative/,
    reference: /./,
    ours: /^(3|C azmlinfsrv - ?|=+(Configuration Error=+)?|SCORING_TIMEOUT_MS: .*)$/,
  },
  { rule: "TMO-4", scenario: /^TMO-4 negative/, where: STDOUT, reference: BANNER },

  // Answers.
  { rule: "RT-4", where: /header Allow$/, ours: /^[A-Z]+(, [A-Z]+)*$/ },
  {
    rule: "RT-4",
    reason: "answers to unknown paths and methods can be found in the log, too",
    where: /header x-(ms-)?(client-)?request-id$/,
    ours: /^(<guid>|A|B)$/,
  },
  {
    rule: "ERR-11",
    reason: "an error's code names it in docs/errors.md, whatever else the client is told",
    where: /header x-ms-error-code$/,
    ours: /^ERR_[A-Z_]+$/,
  },
  {
    rule: "ERR-12",
    reason: "a line beside the contract's record tells which request failed",
    where: STDOUT,
    ours: /^W azmlinfsrv - Request \S+ failed: ERR_[A-Z_]+$/,
  },
  {
    rule: "IN-8",
    scenario: /^IN-8/,
    reference: new RegExp(`^(""|2|${accessOf(200, "2")})$`),
    ours: new RegExp(`^("a=1"|5|${accessOf(200, "5")})$`),
  },
  {
    rule: "PROC-5",
    reason: "who sent the request that ended the worker is answered, not dropped",
    scenario: /^PROC-5/,
    reference: /^hung up without an answer$/,
    ours: RUN_FAILED,
  },
  {
    rule: "PROC-5",
    reason: "who sent the request that ended the worker is answered, not dropped",
    scenario: /^PROC-5/,
    where: STDOUT,
    ours: /^E azmlinfsrv - (Worker process <pid> exited with code 1; starting|Encountered Exception: worker process <pid> exited)/,
  },
  {
    rule: "TMO-3",
    scenario: /^(TMO-2|TMO-1 IS-14)/,
    where: STDOUT,
    reference: /^UserScriptError: Script failed to finish execution within /,
    ours: /^(E azmlinfsrv - run\(\) was stopped at its deadline here:| {2}File "<folder>\/(sleeps|schema\/own_type)\.py"| {4}time\.sleep|\w+Error: )/,
  },
  { rule: "OUT-7", scenario: /^OUT-1/, where: STDOUT, ours: /^TypeError: Object of type \w+ is not JSON serializable/ },
  {
    rule: "OUT-7",
    scenario: /^OUT-1/,
    where: /header x-ms-run-function-failed$/,
    reference: /^False$/,
    ours: /^True$/,
  },
  {
    rule: "OUT-9",
    scenario: /^OUT-9/,
    reference: /^(500|141|text\/html|<html>[\s\S]*|I gunicorn\.access - .* 500 0 "-" "-")$/,
    ours: RUN_FAILED,
  },
  {
    rule: "OUT-9",
    scenario: /^OUT-9/,
    where: STDERR,
    reference: /^( {2}File "<folder>\/raises\.py"| {4}|SystemExit: 5$|KeyboardInterrupt$)/,
  },
  {
    rule: "TMO-3",
    scenario: /^TMO-3/,
    reference: new RegExp(
      `^(47|{"message": "Scoring timeout after 3600000 ms"}|UserScriptError: Script failed .*|${accessOf(500, "47")})$`,
    ),
    ours: RUN_FAILED,
  },
  {
    rule: "ERR-11",
    scenario: /^ERR-11/,
    reference: RUN_FAILED,
    ours: new RegExp(
      `^(\\d+|{"message": "An unexpected .*", "error": {"code": .* "type": "(Key|Own)Error", .*}}|${accessOf(500, "\\d+")})$`,
    ),
  },
  {
    rule: "SIG-10",
    scenario: /^SIG-10/,
    reference: new RegExp(
      `^(500|83|False|{"message": "An unexpected internal .*|E azmlinfsrv - Encountered Exception:|TypeError: .*|${accessOf(500, "83")}|.*RuntimeWarning: .*|  rv = .*)$`,
    ),
    ours: new RegExp(`^(200|3|"x"|False|<ms>|${accessOf(200, "3")})$`),
  },
  {
    rule: "OUT-7",
    scenario: /^OUT-7 a generator/,
    reference: new RegExp(
      `^(500|83|application/json|{"message": "An unexpected internal .*|E azmlinfsrv - Encountered Exception:|TypeError: .*|${accessOf(500, "83")})$`,
    ),
    ours: new RegExp(`^(200|chunked|text/plain; charset=utf-8|<ms>|onetwo|${accessOf(200, "N/A")})$`),
  },

  // What --strict would refuse is answered as the reference answers it; a WARNING says so.
  {
    rule: "IS-7",
    where: STDOUT,
    ours: /^(W azmlinfsrv - The input contradicts the declared schema: |\w+Error: .* With --strict it would be a 400\.$)/,
  },
  {
    rule: "OUT-1",
    reason: "the answer is the same; the log says once what --strict would refuse",
    where: STDOUT,
    ours: /^W azmlinfsrv - run\(\) returned (a string that holds JSON already|a tuple \(body, status\)|NaN or Infinity); .* With --strict /,
  },

  // Declared input.
  {
    rule: "IN-16",
    scenario: /^IN-16/,
    reference: new RegExp(
      `^(500|83|{"message": "An unexpected internal error .*|E azmlinfsrv - Encountered Exception:|(UnicodeDecode|Recursion)Error: .*|${accessOf(500, "83")})$`,
    ),
    ours: new RegExp(
      `^(400|\\d+|{"message": "(Input cannot be decoded as UTF-8|POST body could not be decoded as JSON): .*|${accessOf(400, "\\d+")})$`,
    ),
  },

  // Responses of the script's own making.
  {
    rule: "API-7",
    where: /"(expires|cookie header)" > header (Expires|Last-Modified|Set-Cookie)$/,
    reference: /^(Fri|20 Nov 2026 10:00:00 GMT|a=b; Expires=Fri)$/,
    ours: /^(a=b; Expires=)?Fri, 20 Nov 2026 10:00:00 GMT$/,
  },
  {
    rule: "API-7",
    where: /"content type twice" > header content-type$/i,
    reference: /^application\/(problem\+)?json$/,
    ours: /^application\/problem\+json$/,
  },
  {
    rule: "API-7",
    where: /"content length" > /,
    reference: /^(0|Parse Error: Duplicate Content-Length|\(cut off\))$/,
    ours: /^(200|3|abc|text\/html; charset=utf-8|<guid>|<ms>|False|scorefn\/[\d.]+)$/,
  },
  // The same failures; the words are ours.
  {
    rule: "API-7",
    scenario: /^API-1/,
    where: STDOUT,
    reference:
      /^(AttributeError: 'int' object has no attribute 'split'|TypeError: argument of type 'NoneType' is not iterable)$/,
    ours: /^TypeError: the (values of )?response_headers (of an AMLResponse )?must be /,
  },
  {
    rule: "OUT-8",
    where: /"wrong body" > /,
    reference: /^(141|text\/html|<html>[\s\S]*)$/,
    ours: RUN_FAILED,
  },
  { rule: "OUT-8", where: /"wrong body" > header x-ms-/, ours: /^(<guid>|True|scorefn\/[\d.]+)$/ },
  {
    rule: "OUT-8",
    scenario: /^API-1/,
    where: STDOUT,
    reference: /^(I azmlinfsrv - run\(\) output is HTTP Response|I gunicorn\.access - .* 500 0 "-" "-")$/,
    ours: RUN_FAILED,
  },
  { rule: "OUT-8", scenario: /^API-1/, where: STDERR, reference: /^TypeError: 'int' object is not iterable$/ },
  // The keys are sent one by one, as of any other iterable.
  {
    rule: "OUT-8",
    where: /"dict body" > header (Content-Length|Transfer-Encoding)$/,
    reference: /^1$/,
    ours: /^chunked$/,
  },
  {
    rule: "OUT-8",
    scenario: /^API-1/,
    where: STDOUT,
    reference: /^I (azmlinfsrv - POST \/score 200 <ms>ms 1|gunicorn\.access - .* 200 0 "-" "-")$/,
  },
  {
    rule: "LOG-19",
    reason: "a print in a stream and the access record before it come from two processes",
    scenario: /^OUT-6/,
    where: STDOUT,
    reference: /print - stream is done$/,
    ours: /print - stream is done$/,
  },
  {
    rule: "OUT-6",
    reason: "the failure of a stream is a record of the server, not of the process manager",
    scenario: /^OUT-6/,
    where: STDOUT,
    ours: /^(E azmlinfsrv - A streamed answer ended early:| {2}File "<folder>\/realistic\/streamed\.py"| {4}raise |(Runtime|UserScript)Error: )/,
  },
  {
    rule: "OUT-6",
    reason: "the failure of a stream is a record of the server, not of the process manager",
    scenario: /^OUT-6/,
    where: STDERR,
    reference: /^( {2}File "<folder>\/realistic\/streamed\.py"| {4}raise |RuntimeError: )/,
  },
  {
    rule: "LOG-3",
    reason:
      "the reference has a handler on the root logger already, so that basicConfig() of a script does nothing there",
    scenario: /^LOG-3/,
    where: STDERR,
    ours: /^INFO:entry_module:/,
  },
  {
    rule: "CORS-3",
    reason: "expressions for origins are JavaScript's; what that cannot read matches nothing, and the log says so",
    scenario: /^CORS-3 .*P<n>/,
    where: /> header (Access-Control-Allow-Origin|Vary)$/,
    reference: /^(abz|http|q|Origin)$/,
  },
  {
    rule: "CORS-3",
    reason: "expressions for origins are JavaScript's; what that cannot read matches nothing, and the log says so",
    scenario: /^CORS-3 .*P<n>/,
    where: STDOUT,
    ours: /is not a regular expression that JavaScript can read/,
  },
];
