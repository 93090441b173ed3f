// What a check is, what it finds, and what it is tried against.
import type { HeaderList, ScoreError } from "../src/host.ts";
import type { RuleName } from "./rules.ts";

/** `error`: the check has failed; `warning`: it fails with `--strict`; `note`: to be known. */
export type Level = "error" | "warning" | "note";

/** A place in a file. */
export interface Place {
  /** Absolute. */
  readonly file: string;
  /** From 1. */
  readonly line?: number | undefined;
  /** From 1. */
  readonly column?: number | undefined;
}

/** Something that is not as it should be. */
export interface Finding {
  readonly rule: RuleName;
  readonly level: Level;
  readonly message: string;
  /** What to do; undefined: the message says it. */
  readonly cure?: string | undefined;
  /** Lines to be shown as they are: a code frame, or a traceback. */
  readonly details?: string | undefined;
  readonly place?: Place | undefined;
  /** Tells it from others of the same rule and check, and stays the same while only figures change. */
  readonly key?: string | undefined;
}

/** One thing that was checked; in JUnit's words a test case. */
export interface CheckResult {
  readonly name: string;
  /** What was measured, in a few words. */
  readonly facts?: string | undefined;
  readonly ms: number;
  readonly findings: readonly Finding[];
  /** Where it stands; undefined: nowhere but in the script. */
  readonly place?: Place | undefined;
}

/** What was measured, whatever was asked for; undefined: not known. */
export interface Figures {
  readonly initMs?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly modelBytes?: number | undefined;
  /** Requests that were sent, repetitions included. */
  readonly requests: number;
}

/** All of one run. */
export interface Report {
  /** What was checked: as the user has named it. */
  readonly target: string;
  /** Default place of findings; undefined: there is no file. */
  readonly script: string | undefined;
  readonly startedAt: Date;
  readonly ms: number;
  readonly checks: readonly CheckResult[];
  readonly figures: Figures;
  /** What the script has written, its end if it was much. */
  readonly output: string;
  readonly verdict: Verdict;
  /** Warnings fail as well. */
  readonly strict: boolean;
}

/** `untried`: nothing is wrong, but run() was never called. */
export type Verdict = "passed" | "untried" | "failed" | "not loaded";

/** A request as it is sent, whatever it is sent to. */
export interface SentRequest {
  readonly method: string;
  /** Still percent-encoded, starting with `/`. */
  readonly path: string;
  /** Without the `?`. */
  readonly query: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface ReceivedAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
  /** False: it broke off, or was too large to be kept. */
  readonly isComplete: boolean;
  readonly ms: number;
  /** Why there is no answer of the script's, where that is known. */
  readonly failure?: ScoreError | undefined;
}

/** Memory and open files of the processes that run the script. */
export interface Usage {
  /** Process ids: figures of other processes are not to be compared. */
  readonly pids: readonly number[];
  readonly residentBytes: number;
  readonly files: number;
}

/** A script, a build or a server that is up. */
export interface Running {
  /** From the start until init() was done; undefined: it was up before. */
  readonly initMs?: number | undefined;
  /** @throws Error without an answer: its message says why */
  send(request: SentRequest): Promise<ReceivedAnswer>;
  /** Absolute; undefined: there is no model folder, or it is not known. */
  modelDir?(): string | undefined;
  /** Most memory used so far, in bytes; undefined: not known. */
  peakBytes?(): number | undefined;
  /** Memory and files at this moment; undefined: not known. */
  usage?(): Usage | undefined;
  /** How often run() has been called; absent: that is not known. */
  runs?(): number;
  close(): Promise<void>;
}

/** What is checked. */
export interface Target<R extends Running = Running> {
  /** As the user has named it. */
  readonly name: string;
  /** File that findings without a place of their own are about; absolute. */
  readonly script?: string | undefined;
  /** The name of the first check. */
  readonly startName: string;
  /** Whether a model is served without a script; undefined: the server has to be asked. */
  readonly servesModel?: boolean | undefined;
  /** @throws NotLoaded */
  start(): Promise<R>;
}

/** The script, the build or the server does not come up. */
export class NotLoaded extends Error {
  readonly finding: Finding;
  constructor(finding: Finding) {
    super(finding.message);
    this.name = "NotLoaded";
    this.finding = finding;
  }
}

/** A request together with what its answer has to be. */
export interface RequestCheck {
  readonly name: string;
  readonly request: SentRequest;
  readonly expect: Expectation;
  /** The values were made up of types alone, so that the model need not take them. */
  readonly madeUp?: boolean | undefined;
  readonly place?: Place | undefined;
}

export interface Expectation {
  /** Statuses that will do; undefined: 200 to 299. */
  readonly status?: readonly number[] | undefined;
  /** Lower-case names; null: the header must not be there. */
  readonly headers?: Readonly<Record<string, string | null>> | undefined;
  /** Undefined: any body will do. */
  readonly body?: ExpectedBody | undefined;
  /** The body is JSON as every reader takes it: no NaN, no Infinity. */
  readonly strictJson?: boolean | undefined;
  /** A JSON Schema of the body. */
  readonly schema?: object | undefined;
  /** Milliseconds that the answer may take. */
  readonly maxMs?: number | undefined;
}

export interface ExpectedBody {
  /** As `readJson` gives it, or what a YAML file says. */
  readonly value: unknown;
  readonly absolute: number;
  readonly relative: number;
  /** JSON paths that are not compared. */
  readonly ignore: readonly string[];
}
