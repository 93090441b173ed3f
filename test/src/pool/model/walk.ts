// One random walk: clients, workers and the clock do what they like, and in the end every promise of docs/worker-protocol.md
// must have held.
import { DeadlineError, type ScoreError } from "../../../../src/core/errors.ts";
import type { Log } from "../../../../src/core/log.ts";
import type { RunOutcome } from "../../../../src/core/types.ts";
import { INTERRUPT_GRACE_MS } from "../../../../src/pool/deadlines.ts";
import { WorkerPool } from "../../../../src/pool/pool.ts";
import { LEASE_MS } from "../../../../src/protocol/messages.ts";
import { ModelWorker, type Order } from "./model-worker.ts";
import { Random, World } from "./world.ts";

const ACTIONS = 60;
/** Of quiet time in the end, in milliseconds: longer than all limits of a walk together. */
const QUIET_MS = 120_000;

const DOCUMENTED = new Set([
  "ERR_SCRIPT_RUN",
  "ERR_SCORE_TIMEOUT",
  "ERR_WORKER_EXIT",
  "ERR_WORKER_START",
  "ERR_OVERLOAD",
  "ERR_CLIENT_GONE",
  "ERR_DEADLINE",
]);

interface Request {
  readonly order: Order;
  readonly sentAt: number;
  leave: (reason?: Error) => void;
  hasLeft: boolean;
  settledAt: number | undefined;
  outcome: RunOutcome | undefined;
  error: ScoreError | undefined;
  /** What came of a streamed answer. */
  received: string | undefined;
}

/** @throws Error that names the seed and what did not hold */
export async function walk(seed: number): Promise<void> {
  const world = new World(new Random(seed));
  const { stackTraceLimit } = Error;
  // Errors are made by the thousand, and nobody reads where.
  Error.stackTraceLimit = 0;
  world.enter();
  try {
    await new Walk(world).run();
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
  } finally {
    world.leave();
    Error.stackTraceLimit = stackTraceLimit;
  }
}

class Walk {
  readonly #world: World;
  readonly #random: Random;
  readonly #requests: Request[] = [];
  readonly #runs = new Map<string, number>();
  readonly #workers: ModelWorker[] = [];
  readonly #pool: WorkerPool;
  readonly #limits: { readonly queueMs: number; readonly scoringMs: number; readonly maxQueue: number };
  readonly #dies: boolean;
  readonly #preset: { readonly resizes: boolean; readonly hostHasLimit: boolean };
  #workerCount: number;
  /** Records that workers have written whole, and those that the front has told of: `<pid> <message>`. */
  readonly #written: string[] = [];
  readonly #told: string[] = [];
  /** Longest time that the front did not turn. */
  #longestPauseMs = 0;
  #turnedAt = 0;
  #isQuiet = false;

  constructor(world: World) {
    this.#world = world;
    const random = world.random;
    this.#random = random;
    this.#dies = random.chance(0.6);
    this.#limits = {
      queueMs: random.pick([0, 50, 700, 3_000]),
      scoringMs: random.pick([0, 100, 2_000]),
      maxQueue: random.pick([0, 1, 4, 1_000, 1_000]),
    };
    this.#preset = { resizes: random.chance(0.5), hostHasLimit: random.chance(0.3) };
    this.#workerCount = random.pick([1, 2, 3]);
    const concurrent = random.chance(0.4);
    const concurrency = random.pick([1, 2, 3]);
    const onRecord = random.chance(0.5)
      ? (pid: number, message: string) => void this.#written.push(`${pid} ${message}`)
      : undefined;
    this.#pool = new WorkerPool(
      {
        command: {
          file: "model",
          args: [],
          env: {},
          nudgeSignal: "SIGUSR1",
          onMissing: (cause) => cause as ScoreError,
        },
        start: {
          server: "model",
          appRoot: "/",
          entryScript: null,
          sourceDirectory: null,
          modelDir: null,
          concurrency,
          logLevel: "INFO",
          logging: null,
          strict: false,
        },
        workerCount: this.#workerCount,
        scoringTimeoutMs: this.#limits.scoringMs,
        workerTimeoutMs: 60_000,
        maxQueue: this.#limits.maxQueue,
        maxQueueBytes: random.pick([0, 5_000]),
        queueTimeoutMs: this.#limits.queueMs,
        restart: random.pick(["paced", "by-requests"]),
        launch: (events) => {
          // Not the first ones: a script that never comes up ends the server.
          const failsToStart = this.#dies && !this.#isQuiet && this.#workers.length > 3 ? 0.1 : 0;
          const worker = new ModelWorker(world, { concurrency, concurrent, failsToStart, onRecord }, events, (key) => {
            this.#runs.set(key, (this.#runs.get(key) ?? 0) + 1);
          });
          this.#workers.push(worker);
          return worker;
        },
      },
      NO_LOG,
      onRecord === undefined ? {} : { scriptRecord: ({ pid, message }) => this.#told.push(`${pid} ${message}`) },
    );
  }

  async run(): Promise<void> {
    this.#pool.start().catch(() => {});
    for (let action = 0; action < ACTIONS; action++) await this.#act();
    await this.#calmDown();
    this.#check();
    const closed = this.#pool.close(0);
    for (let turn = 0; turn < 12; turn++) await this.#turn();
    await closed;
  }

  async #act(): Promise<void> {
    const random = this.#random;
    const roll = random.below(100);
    if (roll < 30) this.#send(1 + random.below(random.chance(0.2) ? 24 : 2));
    else if (roll < 34) this.#leave();
    else if (roll < 58) this.#steps(1 + random.below(12));
    else if (roll < 82) await this.#turn();
    else if (roll < 97) this.#pass(random.pick([0.1, 0.1, 1, 6, 6, 60, 400, LEASE_MS]));
    else if (this.#preset.resizes && random.chance(0.2)) void this.#pool.silentWorkers(10, 1_000);
    else if (this.#preset.resizes && random.chance(0.5)) this.#resize(random.pick([0, 1, 1, 2, 3, 5]));
    else if (this.#dies) this.#kill();
  }

  #send(count: number): void {
    const random = this.#random;
    const quick = random.chance(0.8);
    for (let index = 0; index < count; index++) {
      const does = random.pick<Order["does"]>([
        "answer",
        "answer",
        "answer",
        "answer",
        "answer",
        "answer",
        "raise",
        this.#random.chance(0.3) ? "stream" : "answer",
        this.#dies ? "crash" : "answer",
        this.#limits.scoringMs > 0 && random.chance(0.3) ? "hang" : "answer",
      ]);
      const key = `r${this.#requests.length}`;
      const order: Order = {
        key,
        does,
        ms: quick ? 0.05 : random.pick([0.05, 3, 50, 1_500]),
        deaf: random.chance(0.3),
        padding: random.chance(0.1) ? "x".repeat(3_000) : "",
      };
      this.#sendOne(order);
    }
  }

  #sendOne(order: Order): void {
    const listeners = new Set<() => void>();
    const request: Request = {
      order,
      sentAt: this.#world.now,
      leave: (reason) => {
        call.signal.reason = reason;
        for (const listener of [...listeners]) listener();
      },
      hasLeft: false,
      settledAt: undefined,
      outcome: undefined,
      error: undefined,
      received: undefined,
    };
    this.#requests.push(request);
    const call = {
      body: Buffer.from(JSON.stringify(order)),
      method: "POST",
      path: "/score",
      query: "",
      headers: {},
      requestId: order.key,
      signal: {
        aborted: false,
        reason: undefined as unknown,
        addEventListener: (_: "abort", listener: () => void) => void listeners.add(listener),
        removeEventListener: (_: "abort", listener: () => void) => void listeners.delete(listener),
      },
    };
    this.#pool.run(call).then(
      (outcome) => {
        if (request.settledAt !== undefined) throw new Error(`${order.key} was answered twice`);
        request.settledAt = this.#world.now;
        request.outcome = outcome;
        if (outcome.kind === "response") void this.#consume(request, outcome.body as AsyncIterable<Uint8Array>);
      },
      (error: ScoreError) => {
        request.settledAt = this.#world.now;
        request.error = error;
      },
    );
  }

  async #consume(request: Request, body: AsyncIterable<Uint8Array>): Promise<void> {
    let text = "";
    try {
      for await (const chunk of body) {
        text += Buffer.from(chunk).toString().slice(0, request.order.key.length);
        if (request.hasLeft) break;
      }
      request.received = text;
    } catch {
      request.received = "broken";
    }
  }

  #leave(): void {
    const waiting = this.#requests.filter(({ settledAt, hasLeft }) => settledAt === undefined && !hasLeft);
    if (waiting.length === 0) return;
    for (let count = this.#random.chance(0.2) ? waiting.length : 1; count > 0; count--) {
      const request = this.#random.pick(waiting);
      request.hasLeft = true;
      request.leave(this.#preset.hostHasLimit ? new DeadlineError(1) : undefined);
    }
  }

  /** The workers go on, in any order. */
  #steps(count: number): void {
    for (let left = count; left > 0; left--) {
      const alive = this.#workers.filter(({ isAlive }) => isAlive);
      if (alive.length > 0) this.#random.pick(alive).step();
    }
  }

  async #turn(): Promise<void> {
    this.#longestPauseMs = Math.max(this.#longestPauseMs, this.#world.now - this.#turnedAt);
    this.#turnedAt = this.#world.now;
    await this.#world.turn(() => {
      // The workers do not wait for the front, and neither does the clock.
      if (this.#isQuiet || this.#random.chance(0.5)) return;
      this.#steps(this.#random.below(4));
      this.#world.now += this.#random.pick([0, 0, 0.5, 20]);
    });
  }

  #pass(ms: number): void {
    this.#world.now += ms;
  }

  #kill(): void {
    const alive = this.#workers.filter(({ isAlive }) => isAlive);
    if (alive.length === 0) return;
    const worker = this.#random.pick(alive);
    if (this.#random.chance(0.5)) worker.die("SIGKILL");
    else worker.diesAtWrite = this.#random.below(40);
  }

  #resize(workers: number): void {
    this.#workerCount = workers;
    this.#pool.resize(workers);
  }

  /** Nothing more happens but what has begun. */
  async #calmDown(): Promise<void> {
    this.#isQuiet = true;
    // Without a worker what waits would wait.
    if (this.#workerCount === 0) this.#resize(1);
    for (const worker of this.#workers) worker.diesAtWrite = undefined;
    const endAt = this.#world.now + QUIET_MS;
    for (;;) {
      await this.#turn();
      let steps = 0;
      for (const worker of this.#workers) while (steps < 10_000 && worker.step()) steps++;
      if (steps > 0 || !this.#world.isQuiet) continue;
      if (this.#isAtRest() || this.#world.now >= endAt) return;
      // Nothing happens before the clock goes on.
      this.#world.now = Math.max(this.#world.now + 0.1, this.#nextEvent(endAt));
    }
  }

  #isAtRest(): boolean {
    return (
      this.#isIdle() &&
      this.#requests.every(
        ({ settledAt, outcome, received }) =>
          settledAt !== undefined && (outcome?.kind !== "response" || received !== undefined),
      )
    );
  }

  #isIdle(): boolean {
    const { waiting, waitingBytes, unanswered } = this.#pool.load;
    return waiting === 0 && waitingBytes === 0 && unanswered === 0;
  }

  #nextEvent(endAt: number): number {
    let next = this.#world.nextTimerAt ?? endAt;
    for (const { isAlive, nextEndAt } of this.#workers) {
      if (isAlive && nextEndAt !== undefined && nextEndAt < next) next = nextEndAt;
    }
    return next;
  }

  #check(): void {
    for (const request of this.#requests) this.#checkOne(request);
    const { waiting, waitingBytes, unanswered, workers } = this.#pool.load;
    const places = Object.values(workers).reduce((sum, count) => sum + count, 0);
    expectTrue(places === this.#workerCount, `${places} workers of ${this.#workerCount} at rest`);
    expectTrue(waiting === 0, `${waiting} requests wait at rest`);
    expectTrue(waitingBytes === 0, `${waitingBytes} bytes wait at rest`);
    expectTrue(unanswered === 0, `${unanswered} requests are unanswered at rest`);
    const [written, told] = [this.#written, this.#told].map((records) => [...records].sort().join());
    expectTrue(written === told, `records were written: ${written}; told of: ${told}`);
  }

  #checkOne({ order, sentAt, settledAt, outcome, error, received, hasLeft }: Request): void {
    const { key } = order;
    const runs = this.#runs.get(key) ?? 0;
    const mayDie = this.#dies || this.#limits.scoringMs > 0 || this.#preset.hostHasLimit;
    expectTrue(runs <= 1, `${key} ran ${runs} times`);
    expectTrue(settledAt !== undefined, `${key} was never answered`);
    if (outcome?.kind === "json") {
      const text = Buffer.from(outcome.body).toString();
      expectTrue(text === JSON.stringify(key), `${key} was answered with ${text}`);
      expectTrue(runs === 1, `${key} was answered and did not run`);
    }
    if (outcome?.kind === "response" && !hasLeft) {
      const isWhole = received === key.repeat(4);
      expectTrue(isWhole || (mayDie && received === "broken"), `the stream of ${key} was ${received}`);
    }
    if (error !== undefined) {
      const { code } = error;
      expectTrue(DOCUMENTED.has(code), `${key} failed with ${code}: ${error.message}`);
      expectTrue((code !== "ERR_CLIENT_GONE" && code !== "ERR_DEADLINE") || hasLeft, `${key} failed with ${code}`);
      expectTrue(code !== "ERR_SCRIPT_RUN" || order.does === "raise", `${key} failed with ${error.message}`);
      // Without a death nobody hears of one, and a worker that is well is never killed.
      expectTrue(!code.startsWith("ERR_WORKER") || mayDie, `${key} failed with ${error.message}`);
      expectTrue(!/broke the worker protocol|has not begun/.test(error.message), `${key}: ${error.message}`);
    }
    const { queueMs, scoringMs } = this.#limits;
    if (queueMs > 0 && scoringMs > 0 && order.does !== "stream") {
      const slackMs = 3 * this.#longestPauseMs + LEASE_MS + INTERRUPT_GRACE_MS;
      const tookMs = settledAt! - sentAt;
      expectTrue(tookMs <= queueMs + scoringMs + slackMs, `${key} was answered after ${tookMs} ms`);
    }
  }
}

function expectTrue(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

const silent = (): void => {};
const NO_LOGGER = { debug: silent, info: silent, warning: silent, error: silent, critical: silent };
const NO_LOG = new Proxy({}, { get: () => NO_LOGGER }) as unknown as Log;
