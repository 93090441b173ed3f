// Starts, edits, failures, requests, streams and the end in any order: nothing is lost, nothing runs twice.
import fc from "fast-check";
import { expect, test } from "vitest";
import { ConfigError, ScoreError, stopping } from "../../../src/core/errors.ts";
import type { ScoreRequest, ScoreResponse, ScoreRuntime, ScriptFacts } from "../../../src/core/types.ts";
import { createLog } from "../../../src/host.ts";
import { ReloadingService } from "../../../src/reload/reloading-service.ts";
import type { Made } from "../../../src/reload/version.ts";

type Step =
  | { readonly does: "request" | "probe" | "edit" | "edit that cannot be read" | "short turn" | "turn" | "close" }
  | { readonly does: "answer" | "stream" | "end stream" | "comes up" | "does not come up"; readonly which: number };

const STEP = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Step>({ does: "request" }, { does: "probe" }) },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ does: "short turn" }, { does: "turn" }) },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ does: "edit" }, { does: "edit that cannot be read" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ does: "close" }) },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constantFrom("answer", "stream", "end stream", "comes up", "comes up", "does not come up"),
      which: fc.nat(10),
    }) as fc.Arbitrary<Step>,
  },
);

/** A version whose start and answers come when the walk says so. */
class ModelVersion {
  readonly number: number;
  readonly unanswered: ((response: ScoreResponse) => void)[] = [];
  readonly streams: (() => void)[] = [];
  /** Requests that it has begun. */
  readonly begun: string[] = [];
  state: "made" | "loading" | "up" | "failed" | "closed" = "made";
  /** What it had to answer when its end was asked for. */
  cutOff: number | undefined;
  /** Why there is no script at all. */
  readonly reason: ScoreError | undefined;
  failure: ScoreError | undefined;
  hasEnded = false;
  readonly debugPort: number | null;
  #resolve: (facts: ScriptFacts) => void = () => {};
  #reject: (error: ScoreError) => void = () => {};

  constructor(number: number, debugPort: number | null, reason?: ScoreError) {
    this.number = number;
    this.debugPort = debugPort;
    this.reason = reason;
    if (reason !== undefined) this.#failed(reason);
  }

  #failed(error: ScoreError): void {
    this.state = "failed";
    this.failure = error;
  }

  comeUp(): void {
    this.state = "up";
    this.#resolve({ takes: "body", concurrent: false });
  }

  fail(): void {
    this.#failed(new ScoreError("ERR_SCRIPT_INIT", `no ${this.number}`));
    this.#reject(this.failure!);
  }

  answer(): void {
    this.unanswered.shift()?.({ status: 200, headers: [], body: String(this.number) });
  }

  endStream(): void {
    this.streams.shift()?.();
  }

  stream(): void {
    const respond = this.unanswered.shift();
    if (respond === undefined) return;
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const { number } = this;
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(String(number));
      await ended;
    }
    this.streams.push(end);
    respond({ status: 200, headers: [], body: body() });
  }

  made(): Made {
    const runtime = {
      start: () => {
        if (this.reason !== undefined) return Promise.reject(this.reason);
        if (this.state === "made") this.state = "loading";
        return new Promise<ScriptFacts>((resolve, reject) => {
          this.#resolve = resolve;
          this.#reject = reject;
        });
      },
      close: async () => {
        this.cutOff ??= this.unanswered.length + this.streams.length;
        this.state = "closed";
        this.#reject(stopping());
        for (const respond of this.unanswered.splice(0)) respond({ status: 503, headers: [], body: "stopped" });
      },
      failure: this.failure,
    } as unknown as ScoreRuntime;
    Object.defineProperty(runtime, "failure", { get: () => this.failure });
    const handle = (request: ScoreRequest): Promise<ScoreResponse> => {
      if (request.path === "/ready") return Promise.resolve({ status: 200, headers: [], body: this.state });
      if (this.state === "closed") return Promise.resolve({ status: 503, headers: [], body: "stopped" });
      if (this.state !== "up") return Promise.resolve({ status: 503, headers: [], body: this.failure!.message });
      this.begun.push(request.query);
      return new Promise((resolve) => this.unanswered.push(resolve));
    };
    const scorer = {
      handle,
      refuse: (_request: unknown, error: ScoreError) => ({ status: 503, headers: [], body: error.message }),
      flush: () => {},
    } as unknown as Made["scorer"];
    const config = { appRoot: "/", entryScript: null, modelDir: null, reloadDirs: [], workerEnv: {} };
    return {
      config: { ...config, debugPort: this.debugPort, model: null },
      log: createLog(() => {}, "CRITICAL"),
      runtime,
      scorer,
      readAt: 0,
      end: async () => {
        this.hasEnded = true;
      },
    };
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function textOf({ body }: ScoreResponse): Promise<string> {
  if (typeof body === "string") return body;
  let text = "";
  for await (const chunk of body as AsyncIterable<Uint8Array>) text += Buffer.from(chunk).toString();
  return text;
}

test("loses no request and runs none twice, whatever the order of what happens", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.constantFrom(null, 5678),
      fc.array(STEP, { maxLength: 60 }),
      async (mayClose, debugPort, steps) => {
        const versions: ModelVersion[] = [];
        const make = (reason?: ScoreError): Made => {
          versions.push(new ModelVersion(versions.length, debugPort, reason));
          return versions.at(-1)!.made();
        };
        const told: string[] = [];
        let cannotBeRead = false;
        const service = new ReloadingService(make(), {
          async create() {
            await turn();
            if (cannotBeRead) throw new ConfigError("ERR_CONFIG", "it is not JSON");
            return make();
          },
          async createFailed(failure) {
            await turn();
            return make(failure);
          },
          onLoading: turn,
          errorDetail: "full",
          maxQueue: 1_000,
          maxQueueBytes: 0,
          queueTimeoutMs: 0,
          events: {
            reloading: () => told.push("reloading"),
            reloaded: () => told.push("reloaded"),
            reloadFailed: ({ isServed }) => told.push(isServed ? "failed, served" : "failed"),
          },
        });
        void service.start();
        let closed: Promise<void> | undefined;
        let number = 0;
        const answers: Promise<{ readonly text: string; readonly isSure: boolean }>[] = [];
        const probes: Promise<ScoreResponse>[] = [];
        const send = (path: string): Promise<ScoreResponse> =>
          service.handle({ method: "POST", path, query: String(number++), headers: {}, body: Buffer.of() });
        const pick = <T>(all: readonly T[], which: number): T | undefined => all[which % Math.max(1, all.length)];
        const loading = () => versions.filter(({ state }) => state === "loading");
        const act = (step: Step): void => {
          if (step.does === "close") {
            if (mayClose) closed ??= service.close(1_000);
          } else if (step.does === "request") {
            // Whatever is edited from now on, there is a version that answers.
            const { version } = service.members.reload as { version: number };
            const isSure = debugPort === null && closed === undefined && version > 0;
            answers.push(
              send("/score")
                .then(textOf)
                .then((text) => ({ text, isSure })),
            );
          } else if (step.does === "probe") probes.push(send("/ready"));
          else if (step.does === "edit" || step.does === "edit that cannot be read") {
            cannotBeRead = step.does !== "edit";
            service.reload([`/app/${step.does}.py`]);
          } else if (step.does === "turn" || step.does === "short turn") return;
          else if (step.does === "comes up") pick(loading(), step.which)?.comeUp();
          else if (step.does === "does not come up") pick(loading(), step.which)?.fail();
          else if (step.does === "answer") pick(versions, step.which)?.answer();
          else if (step.does === "stream") pick(versions, step.which)?.stream();
          else if (step.does === "end stream") pick(versions, step.which)?.endStream();
        };
        for (const step of steps) {
          act(step);
          if (step.does === "short turn") await turn();
          if (step.does === "turn") for (let count = 0; count < 5; count++) await turn();
          // One serves, one comes up: a debugger has room for one only.
          const alive = versions.filter(({ state }) => state === "loading" || state === "up");
          const answering = alive.filter(({ unanswered, streams }) => unanswered.length + streams.length > 0);
          if (debugPort !== null) expect(alive.length).toBeLessThanOrEqual(1);
          else expect(loading().length).toBeLessThanOrEqual(1);
          expect(answering.length).toBeLessThanOrEqual(versions.length);
        }
        // What has begun ends, and what was edited last decides.
        cannotBeRead = false;
        if (closed === undefined) service.reload(["/app/last.py"]);
        let isSettled = false;
        void service.settled().then(() => {
          isSettled = true;
        });
        for (let round = 0; round < 500 && !(isSettled && answers.length === 0); round++) {
          for (const version of versions) {
            version.answer();
            version.endStream();
          }
          for (const version of loading()) version.comeUp();
          await turn();
          if (isSettled && round > 100) break;
        }
        expect(isSettled).toBe(true);
        for (const { text, isSure } of await Promise.all(answers)) {
          if (closed !== undefined && /stop/i.test(text)) continue;
          // The reason of a version that did not come up while there was no other.
          if (!isSure && /^(no \d+|it is not JSON)$/.test(text)) continue;
          expect(versions[Number(text)]!.begun.length).toBeGreaterThan(0);
        }
        for (const probe of await Promise.all(probes)) expect(probe.status).toBe(200);
        const begun = versions.flatMap((version) => version.begun);
        expect(new Set(begun).size).toBe(begun.length);
        await turn();
        if (closed !== undefined) {
          await closed;
          for (const version of versions) expect(version.state).toBe("closed");
          return;
        }
        const last = versions.at(-1)!;
        expect(last.state).toBe("up");
        expect(service.members.reload).toMatchObject({ state: "watching" });
        expect(told.at(-1)).toBe("reloaded");
        for (const version of versions.slice(0, -1)) {
          expect(version).toMatchObject({ state: "closed", cutOff: 0, hasEnded: true });
        }
        expect(service.versions).toHaveLength(1);
        await service.close(0);
        expect(last.state).toBe("closed");
      },
    ),
    { numRuns: process.env.CI === "true" ? 5_000 : 500 },
  );
});
