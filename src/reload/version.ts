import { InFlight } from "../core/in-flight.ts";
import type { Log } from "../core/log.ts";
import type { ScoreRequest, ScoreResponse, ScoreRuntime, ServedModel } from "../core/types.ts";
import type { Scorer } from "../routes/scorer.ts";
import type { TargetSettings } from "./targets.ts";

/** A service as it is put together. */
export interface Made {
  readonly config: TargetSettings & { readonly debugPort: number | null; readonly model: ServedModel | null };
  readonly log: Log;
  /** Not started. */
  readonly runtime: ScoreRuntime;
  readonly scorer: Scorer;
  /** When its files began to be read, in milliseconds since 1970. */
  readonly readAt: number;
  /** Ends what it has besides the runtime. */
  readonly end: () => Promise<void>;
}

/** How long workers that have nothing left to do may take to end by themselves, in milliseconds. */
const STOP_MS = 2_000;

/** The service as the files were at a moment. */
export class Version {
  readonly made: Made;
  readonly #flights = new InFlight();
  #closed: Promise<void> | undefined;
  #retired: Promise<void> | undefined;

  constructor(made: Made) {
    this.made = made;
  }

  /** Requests that it has not answered to the last byte. */
  get inFlight(): number {
    return this.#flights.count;
  }

  handle(request: ScoreRequest): Promise<ScoreResponse> {
    this.#flights.begin();
    return this.made.scorer.handle(request).then(this.#flights.answered);
  }

  /** Answers what it has, then ends. */
  retire(): Promise<void> {
    this.#retired ??= this.#flights.idle().then(() => this.close(STOP_MS));
    return this.#retired;
  }

  /** As a runtime's: a second call with 0 ends what the first one waits for. */
  close(graceMs: number): Promise<void> {
    const { runtime, scorer, end } = this.made;
    const closed = runtime.close(graceMs);
    this.#closed ??= closed.then(() => {
      scorer.flush();
      return end();
    });
    return this.#closed;
  }
}
