// One check from start to end: loads what is checked, sends the requests, compares, measures.
import { SAMPLE } from "../packaging/request-data.ts";
import { renderPythonJson } from "../src/host.ts";
import { budgetResult, type Limits } from "./budgets.ts";
import { type Declared, readDeclared } from "./declared.ts";
import { judge } from "./judge.ts";
import { isMadeUp } from "./model-bodies.ts";
import { findModels } from "./models.ts";
import type { Output } from "./output.ts";
import { type GoodRequest, repeat } from "./repeat.ts";
import {
  type CheckResult,
  type Figures,
  type Finding,
  NotLoaded,
  type ReceivedAnswer,
  type Report,
  type RequestCheck,
  type Running,
  type SentRequest,
  type Target,
  type Verdict,
} from "./types.ts";

export interface CheckOptions<R extends Running = Running> {
  readonly target: Target<R>;
  readonly requests: readonly RequestCheck[];
  /** What was found before anything is started. */
  readonly findings: readonly Finding[];
  readonly limits: Limits;
  /** Repetitions of a round; undefined: the usual number, in the usual time; 0: none. */
  readonly repetitions: number | undefined;
  /** Warnings fail as well. */
  readonly strict: boolean;
  /** What places of the script are relative to. */
  readonly appRoot?: string | undefined;
  readonly output: Output;
  /** What is to be run while the script is served; only when nothing else is wrong. */
  readonly command?: ((running: R) => Promise<CommandResult>) | undefined;
  /** Told of each check when it is done. */
  readonly onResult: (result: CheckResult) => void;
}

export interface CommandResult {
  readonly result: CheckResult;
  readonly code: number;
}

export interface Outcome {
  readonly report: Report;
  readonly exitCode: number;
}

/** Exit codes. 1 is for what is wrong with the command line or with files of checks. */
export const EXIT_GOOD = 0;
export const EXIT_USAGE = 1;
export const EXIT_NOT_LOADED = 3;
export const EXIT_FAILED = 4;

/** A request whose answer takes too long is sent so often in all: the quickest counts, for machines of CI are busy. */
const ATTEMPTS = 3;

export async function runCheck<R extends Running>(options: CheckOptions<R>): Promise<Outcome> {
  const { target, strict, output, command } = options;
  const startedAt = new Date();
  const from = performance.now();
  const checks: CheckResult[] = [];
  const add: Add = (result) => {
    checks.push(result);
    options.onResult(result);
  };
  const outcome = (exitCode: number, verdict: Verdict, figures: Figures): Outcome => {
    const ms = performance.now() - from;
    const { name, script } = target;
    const report = { target: name, script, startedAt, ms, checks, figures, output: output.text, verdict, strict };
    return { exitCode, report };
  };

  const running = await load(target, add);
  if (options.findings.length > 0) add({ name: "requests are found", ms: 0, findings: options.findings });
  if (running === undefined) return outcome(EXIT_NOT_LOADED, "not loaded", { requests: 0 });
  let code: number | undefined;
  let tried: Tried;
  let isGood: boolean;
  try {
    tried = await tryRunning(running, options, target.servesModel, add);
    isGood = !fails(checks, strict);
    if (command !== undefined && isGood) {
      output.isMuted = false;
      const ran = await command(running);
      ({ code } = ran);
      add(ran.result);
      isGood = code === 0;
      // A server elsewhere does not say whether the command has asked it.
      tried = { ...tried, runs: running.runs?.() ?? 1 };
    }
    if (tried.runs === 0 && (command === undefined || code === 0)) add(untried(tried.asked, code !== undefined));
  } finally {
    await running.close();
  }
  const { runs, figures } = tried;
  if (!isGood) return outcome(code || EXIT_FAILED, "failed", figures);
  return runs === 0 ? outcome(EXIT_FAILED, "untried", figures) : outcome(EXIT_GOOD, "passed", figures);
}

type Add = (result: CheckResult) => void;

/** @returns undefined: it does not come up */
async function load<R extends Running>(target: Target<R>, add: Add): Promise<R | undefined> {
  const from = performance.now();
  const done = (facts: string | undefined, findings: readonly Finding[]): void =>
    add({ name: target.startName, facts, ms: performance.now() - from, findings });
  try {
    const running = await target.start();
    done(running.initMs === undefined ? undefined : `${running.initMs.toFixed(0)} ms`, []);
    return running;
  } catch (error) {
    if (!(error instanceof NotLoaded)) throw error;
    done(undefined, [error.finding]);
    return undefined;
  }
}

type TryOptions = Pick<CheckOptions, "requests" | "limits" | "repetitions" | "appRoot" | "output">;

interface Tried {
  /** How often run() was called. */
  readonly runs: number;
  /** Requests, without repetitions. */
  readonly asked: number;
  readonly figures: Figures;
}

/** Documents, requests, repetitions and limits. */
async function tryRunning(
  running: Running,
  options: TryOptions,
  servesModel: boolean | undefined,
  add: Add,
): Promise<Tried> {
  const { limits, repetitions, output } = options;
  const declared = await swagger(running, add);
  const models =
    servesModel === false ? { requests: [] } : await findModels(running, declared?.example, options.requests);
  if (models.result !== undefined) add(models.result);
  const isModel = models.result !== undefined;
  const requests = [...exampleRequest(declared, isModel), ...models.requests, ...options.requests];
  const good: GoodRequest[] = [];
  let seenRuns = 0;
  for (const check of requests) {
    const { result, status, hasRun } = await ask(running, check, declared, options);
    add(result);
    if (hasRun) seenRuns++;
    if (result.findings.length === 0 && status !== undefined) good.push({ check, status });
  }
  let sent = requests.length;
  const isGood = good.length > 0 && good.length === requests.length && running.runs?.() !== 0;
  if (running.usage !== undefined && isGood && repetitions !== 0) {
    output.isMuted = true;
    const repeated = await repeat(running, good, { requests: repetitions });
    sent += repeated.sent;
    if (repeated.result !== undefined) add(repeated.result);
  }
  const initMs = running.initMs === undefined ? undefined : Math.round(running.initMs);
  const memoryBytes = running.peakBytes?.();
  const budgets = await budgetResult(limits, { initMs, memoryBytes, modelDir: running.modelDir?.() });
  if (budgets.result !== undefined) add(budgets.result);
  const runs = running.runs?.() ?? seenRuns;
  return {
    runs,
    asked: requests.length,
    figures: { initMs, memoryBytes, modelBytes: budgets.modelBytes, requests: sent },
  };
}

/** Whether something of it makes the command fail. */
export function fails(checks: readonly CheckResult[], strict: boolean): boolean {
  return checks.some(({ findings }) =>
    findings.some(({ level }) => level === "error" || (strict && level === "warning")),
  );
}

async function swagger(running: Running, add: (result: CheckResult) => void): Promise<Declared | undefined> {
  const from = performance.now();
  const done = (name: string, findings: readonly Finding[]): void =>
    add({ name, ms: performance.now() - from, findings });
  try {
    const declared = await readDeclared(running);
    const { versions, findings } = declared;
    if (findings.length > 0 || versions.length > 0) {
      const list = versions.length === 0 ? "" : ` ${versions.join(", ").replace(/, ([^,]*)$/, " and $1")}`;
      done(`the swagger documents${list} are valid`, findings);
    }
    return declared;
  } catch (error) {
    const message = `/swagger.json: ${(error as Error).message}`;
    done("the swagger documents are valid", [{ rule: "swagger-document", level: "error", message, key: "no answer" }]);
    return undefined;
  }
}

/** @param isModel its answers are JSON as every reader takes it */
function exampleRequest(declared: Declared | undefined, isModel: boolean): RequestCheck[] {
  if (declared?.example === undefined) return [];
  const body = Buffer.from(renderPythonJson(declared.example.value));
  const headers = { "content-type": "application/json" };
  return [
    {
      name: "the example of the swagger document",
      request: { method: "POST", path: "/score", query: "", headers, body },
      expect: isModel ? { strictJson: true } : {},
      madeUp: isModel && isMadeUp(declared.example.value),
    },
  ];
}

/** @returns `status` undefined: there was no answer */
async function ask(
  running: Running,
  check: RequestCheck,
  declared: Declared | undefined,
  { limits, appRoot }: Pick<CheckOptions, "limits" | "appRoot">,
): Promise<{ result: CheckResult; status: number | undefined; hasRun: boolean }> {
  const { name, place, expect } = check;
  const maxMs = expect.maxMs ?? limits.maxMs;
  const from = performance.now();
  const timesMs: number[] = [];
  let findings: Finding[] = [];
  let status: number | undefined;
  let hasRun = false;
  do {
    try {
      const answer = await running.send(check.request);
      timesMs.push(answer.ms);
      ({ status } = answer);
      hasRun ||= comesFromRun(check.request, answer);
      findings = judge(check, answer, declared?.output, appRoot);
      if (check.madeUp) findings = findings.map(asMadeUp);
    } catch (error) {
      findings = [
        { rule: "answer-failed", level: "error", message: (error as Error).message, place, key: "no answer" },
      ];
    }
  } while (findings.length === 0 && maxMs !== undefined && Math.min(...timesMs) > maxMs && timesMs.length < ATTEMPTS);
  const best = Math.min(...timesMs);
  if (findings.length === 0 && maxMs !== undefined && best > maxMs) {
    const message = `the answer took ${best.toFixed(1)} ms, the best of ${ATTEMPTS}; it may take ${maxMs} ms`;
    findings = [{ rule: "answer-time", level: "error", message, place }];
  }
  const facts = status === undefined ? undefined : `${status}, ${best.toFixed(1)} ms`;
  return { result: { name, facts, ms: performance.now() - from, findings, place }, status, hasRun };
}

/** That made-up values do not fit is no fault of the model's. */
function asMadeUp(finding: Finding): Finding {
  if (finding.rule !== "answer-status") return finding;
  const cure = `the request was made of the types of the inputs alone; put a ${SAMPLE} beside the model, in which the values fit`;
  return { ...finding, level: "warning", cure };
}

/** The header that says how long run() took. */
const RUN_TIME = "x-ms-run-fn-exec-ms";

const RUN_PATHS = /^\/(?:score|invocations|v2\/models\/.*\/infer)$/;

/** Whether an answer looks as if run() had been called, as far as that shows from outside: a good one, a failure of the
 *  script, or one that says how long run() took. What comes from a gateway or for a wrong request is none of these. */
function comesFromRun({ path, method }: SentRequest, { status, headers }: ReceivedAnswer): boolean {
  if (!RUN_PATHS.test(path) || (method !== "GET" && method !== "POST")) return false;
  return (
    (status >= 200 && status <= 299) || status === 500 || headers.some(([name]) => name.toLowerCase() === RUN_TIME)
  );
}

/** @param withCommand a command was to send requests */
function untried(requests: number, withCommand: boolean): CheckResult {
  const found = requests === 0 ? "no request was found" : "no request got as far as run()";
  const why = withCommand ? `${found}, and none came from the command` : found;
  const cure =
    "put a sample-request.json beside the script, write checks/*.yaml, give --data @file, or declare the input with a sample";
  const finding: Finding = { rule: "no-request", level: "error", message: `run() was not tried: ${why}`, cure };
  return { name: "run() is tried", ms: 0, findings: [finding] };
}
