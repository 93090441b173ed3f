// Starts, updates, ends of versions, requests and streams in any order: nothing that was taken is lost.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RunningDeployment } from "../../../endpoint/deployment/deployment.ts";
import { Lines } from "../../../endpoint/deployment/lines.ts";
import type { Version } from "../../../endpoint/deployment/version.ts";
import type { DeploymentSpec } from "../../../endpoint/types.ts";
import { InFlight, ScoreError, type ScoreResponse } from "../../../src/host.ts";
import { until } from "../../setup/service.ts";
import { assetsOf, create, gates, specOf } from "./deploy.ts";

type Step =
  | { readonly does: "request" | "update" | "turn" | "close" }
  | { readonly does: "answer" | "stream" | "end stream" | "comes up" | "does not come up"; readonly which: number };

const STEP = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ does: "request" }) },
  { weight: 2, arbitrary: fc.constant<Step>({ does: "turn" }) },
  { weight: 2, arbitrary: fc.constant<Step>({ does: "update" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ does: "close" }) },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constantFrom("answer", "stream", "end stream", "comes up", "does not come up"),
      which: fc.nat(10),
    }) as fc.Arbitrary<Step>,
  },
);

/** A version whose start and answers come when the walk says so. */
class ModelVersion implements Version {
  readonly number: number;
  readonly spec: DeploymentSpec;
  readonly trouble = null;
  readonly workers = undefined;
  readonly runtime = undefined;
  readonly waiting = 0;
  readonly instances = 1;
  readonly capacity = 100;
  readonly unanswered: ((response: ScoreResponse) => void)[] = [];
  readonly streams: (() => void)[] = [];
  isUp = false;
  hasFailed = false;
  closedWith: number | undefined;

  readonly #flights = new InFlight();

  constructor(number: number, spec: DeploymentSpec) {
    this.number = number;
    this.spec = spec;
  }

  get inFlight(): number {
    return this.#flights.count;
  }

  idle(): Promise<void> {
    return this.#flights.idle();
  }

  watch(): void {}

  retire(): void {}

  hasBegun = false;
  #resolve: () => void = () => {};
  #reject: (error: ScoreError) => void = () => {};

  start(): Promise<void> {
    this.hasBegun = true;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  comeUp(): void {
    this.isUp = true;
    this.#resolve();
  }

  fail(error: ScoreError): void {
    this.hasFailed = true;
    this.#reject(error);
  }

  endStream(): void {
    this.streams.shift()?.();
  }

  readonly handle = (): Promise<ScoreResponse> => {
    if (this.closedWith !== undefined) throw new Error(`version ${this.number} got a request after its end`);
    this.#flights.begin();
    return new Promise<ScoreResponse>((resolve) => this.unanswered.push(resolve)).then(this.#flights.answered);
  };

  answer(): void {
    this.unanswered.shift()?.({ status: 200, headers: [], body: String(this.number) });
  }

  stream(): void {
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const { number } = this;
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(String(number));
      await ended;
    }
    const respond = this.unanswered.shift();
    if (respond === undefined) return;
    this.streams.push(end);
    respond({ status: 200, headers: [], body: body() });
  }

  async close(): Promise<void> {
    this.closedWith ??= this.unanswered.length + this.streams.length;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a deployment", () => {
  test("loses nothing, whatever the order of what happens to it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(STEP, { maxLength: 60 }), async (mayClose, steps) => {
        let closed: Promise<void> | undefined;
        const versions: ModelVersion[] = [];
        const createVersion = (spec: DeploymentSpec): Version => {
          versions.push(new ModelVersion(versions.length, spec));
          return versions.at(-1)!;
        };
        const assets = assetsOf();
        const spec = specOf("");
        const blue = new RunningDeployment(spec, assets, createVersion, new Lines("blue"));
        const started = blue.start();
        versions[0]!.comeUp();
        await started;
        const texts: Promise<string>[] = [];
        const updates: Promise<string>[] = [];
        let settled = 0;
        const send = async (): Promise<string> => {
          const { body } = await blue.handle({
            method: "POST",
            path: "/score",
            query: "",
            headers: {},
            body: Buffer.of(),
          });
          if (typeof body === "string") return body;
          let text = "";
          for await (const chunk of body as AsyncIterable<Uint8Array>) text += Buffer.from(chunk).toString();
          return text;
        };
        const pick = <T>(all: readonly T[], which: number): T | undefined => all[which % Math.max(1, all.length)];
        const busy = () => versions.filter(({ unanswered }) => unanswered.length > 0);
        const begun = () => versions.filter(({ hasBegun, isUp, hasFailed }) => hasBegun && !isUp && !hasFailed);
        const act = (step: Step): void => {
          if (step.does === "close") {
            if (mayClose) closed ??= blue.close(1_000);
          } else if (step.does === "request") texts.push(send());
          else if (step.does === "update") {
            const updated = blue.update({ ...spec }, assets).then(
              () => "up",
              (error: ScoreError) => error.message,
            );
            updates.push(updated);
            void updated.then(() => settled++);
          } else if (step.does === "answer") pick(busy(), step.which)?.answer();
          else if (step.does === "stream") pick(busy(), step.which)?.stream();
          else if (step.does === "end stream")
            pick(
              versions.filter(({ streams }) => streams.length > 0),
              step.which,
            )?.endStream();
          else if (step.does === "comes up") pick(begun(), step.which)?.comeUp();
          else if (step.does === "does not come up")
            pick(begun(), step.which)?.fail(new ScoreError("ERR_SCRIPT_INIT", "no"));
        };
        for (const step of steps) {
          act(step);
          if (step.does === "turn") await turn();
          expect(blue.isReady).toBe(closed === undefined);
          const inFlight = versions.reduce(
            (sum, { unanswered, streams }) => sum + unanswered.length + streams.length,
            0,
          );
          // An answer is on its way for a turn.
          expect(blue.inFlight).toBeGreaterThanOrEqual(inFlight);
        }
        // What has begun ends.
        for (let round = 0; round < 200 && (blue.inFlight > 0 || settled < updates.length); round++) {
          for (const version of versions) {
            version.answer();
            version.endStream();
          }
          for (const version of begun()) version.comeUp();
          await turn();
        }
        await Promise.all(updates);
        for (const text of await Promise.all(texts)) {
          if (closed !== undefined && text.includes("being deleted")) continue;
          expect(versions[Number(text)]).toMatchObject({ isUp: true });
        }
        await turn();
        if (closed !== undefined) {
          await closed;
          expect(blue).toMatchObject({ inFlight: 0, state: "Deleting" });
          for (const { closedWith } of versions) expect(closedWith).toBeDefined();
          return;
        }
        expect(blue).toMatchObject({ inFlight: 0, state: "Succeeded" });
        const current = versions.findLast(({ isUp }) => isUp)!;
        for (const version of versions) {
          if (version === current) expect(version.closedWith).toBeUndefined();
          else expect(version.closedWith).toBe(0);
        }
        const outcomes = versions.slice(1).map(({ hasFailed }) => (hasFailed ? "no" : "up"));
        expect(await Promise.all(updates)).toEqual(outcomes);
        await blue.close(0);
        expect(current.closedWith).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test("answers every request while real workers are updated and scaled", async () => {
    const kinds = fc.constantFrom("update", "bad update", "burst", "slow", "idle");
    await fc.assert(
      fc.asyncProperty(fc.array(kinds, { minLength: 4, maxLength: 8 }), async (kindsOfSteps) => {
        const scale = {
          type: "target_utilization",
          minInstances: 0,
          maxInstances: 2,
          targetUtilizationPercentage: 70,
          pollingInterval: 0.01,
        } as const;
        const good = specOf("waits_for_file.ts", { scale });
        const blue = create(good, assetsOf(), { idleMs: 50, scaleDownMs: 20 });
        const started = blue.start();
        const answers = [blue.post("")];
        const updates: Promise<unknown>[] = [];
        const open: (() => Promise<void>)[] = [];
        for (const kind of kindsOfSteps) {
          if (kind === "update") updates.push(blue.update(good, assetsOf()));
          else if (kind === "bad update") {
            const bad = blue.update({ ...good, code: specOf("broken/init_throws.ts").code }, assetsOf());
            updates.push(expect(bad).rejects.toMatchObject({ code: "ERR_SCRIPT_INIT" }));
          } else if (kind === "burst") {
            // As many as the gateway lets in.
            while (blue.inFlight < blue.capacity) answers.push(blue.post(""));
          } else if (kind === "slow") {
            const [gate] = await gates(1);
            answers.push(blue.post(gate!.path));
            open.push(gate!.open);
          } else if (kind === "idle") {
            await Promise.all(open.splice(0).map((each) => each()));
            await started;
            await until(() => blue.inFlight === 0 && blue.instances === 0, "it sleeps");
          }
        }
        await Promise.all(open.map((each) => each()));
        await Promise.all([started, ...updates]);
        for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
        await blue.close(10_000);
        expect(blue.inFlight).toBe(0);
      }),
      { numRuns: process.env.CI === "true" ? 10 : 2, endOnFailure: true },
    );
  });
});
