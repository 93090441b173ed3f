// Random interleavings of all that a front can send, held against a model of what a worker may say.
import fc from "fast-check";
import { expect, test } from "vitest";
import { TICK_MS, toBeginBy } from "../../../src/protocol/messages.ts";
import { Hooks, LoopHarness, loadScenarioScript } from "./loop-harness.ts";
import { WorkerModel } from "./worker-model.ts";

/** Sequences; more with SCOREFN_SEQUENCES. */
const SEQUENCES = Number(process.env.SCOREFN_SEQUENCES ?? 3_000);
const MAX_TURNS = 100_000;

const script = await loadScenarioScript();

const behaviour = fc.constantFrom(
  ...["quick", "quick", "quick", "slow", "slow", "stubborn", "raises", "unrenderable", "garbled"],
  ...["stream 4 100000", "stream 0 0", "paced", "stream-raises 0", "stream-raises 2", "stubborn-stream"],
  // 600 of them, so that some of a second time are dropped.
  ...["notes 1", "notes 600", "noting", "noting-stream 3"],
);
const pick = fc.nat(1_000);
const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("at once" as const), behaviour }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("waits" as const),
      behaviour,
      lease: fc.constantFrom(0, TICK_MS, 100, 500, 1_000, 1_000, 1_000, 2_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("recall all" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("recall" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("interrupt" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("credit" as const), pick, bytes: fc.nat(300_000) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("release" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("clock" as const), by: fc.nat(700) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("after BEGUN" as const), by: fc.nat(1_500) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("write" as const), cuts: fc.array(fc.nat(60), { maxLength: 6 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("turn" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("turn of the records" as const) }) },
);

test("the loop says nothing that it must not say, and leaves nothing undone", { timeout: 600_000 }, async () => {
  let frames = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      fc.array(action, { maxLength: 40 }),
      async (concurrency, records, actions) => {
        frames += await play(concurrency, records, actions);
      },
    ),
    { numRuns: SEQUENCES },
  );
  expect(frames).toBeGreaterThan(SEQUENCES);
});

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** @returns how many frames came out */
async function play(concurrency: number, records: boolean, actions: readonly Action[]): Promise<number> {
  const harness = new LoopHarness(script, concurrency, records);
  const model = new WorkerModel(concurrency);
  const hooks = new Hooks();
  let failure: unknown;
  const guarded = (look: () => void): void => {
    try {
      look();
    } catch (error) {
      failure ??= error;
    }
  };
  hooks.note = (text) => {
    if (records) model.notes(text);
    harness.note(text);
  };
  harness.onSaid = (said, before) => guarded(() => model.said(said, before, harness.clockMs));
  Object.assign(globalThis, {
    scenarioHooks: Object.assign(hooks, { began: (name: string) => guarded(() => model.runs(Number(name))) }),
  });

  let pending: Buffer[] = [];
  let nextId = 1;
  const someId = (pick: number): number => 1 + (pick % (nextId + 1));
  const send = (text: string): void => void pending.push(harness.encode(text));
  const write = (cuts: readonly number[]): void => {
    let bytes = Buffer.concat(pending);
    pending = [];
    for (const cut of cuts) {
      harness.feed(bytes.subarray(0, cut));
      bytes = bytes.subarray(cut);
    }
    harness.feed(bytes);
  };

  for (const step of actions) {
    switch (step.kind) {
      case "at once":
        model.run(nextId, 0);
        send(`RUN ${nextId} ${step.behaviour} ${nextId}`);
        nextId++;
        break;
      case "waits":
        model.run(nextId, toBeginBy(harness.clockMs + step.lease));
        send(`RUN ${nextId} waits ${step.lease} ${step.behaviour} ${nextId}`);
        nextId++;
        break;
      case "recall all":
        model.recall();
        send("RECALL 0");
        break;
      case "recall":
        model.recall();
        send(`RECALL ${someId(step.pick)}`);
        break;
      case "interrupt":
        send(`INTERRUPT ${someId(step.pick)} ${step.pick % 2 === 0 ? "deadline" : "client-gone"}`);
        break;
      case "credit":
        model.credit(someId(step.pick), step.bytes);
        send(`CREDIT ${someId(step.pick)} ${step.bytes}`);
        break;
      case "release":
        hooks.release(String(someId(step.pick)));
        break;
      case "clock":
        harness.clockMs += step.by;
        break;
      case "after BEGUN":
        harness.afterBegunMs = step.by;
        break;
      case "write":
        write(step.cuts);
        break;
      case "turn of the records":
        harness.turn();
        break;
      case "turn":
        await turn();
    }
    if (failure !== undefined) throw failure;
  }
  send("STOP");
  write([]);
  for (let id = 1; id < nextId; id++) hooks.release(String(id));
  for (let turns = 0; harness.stopped === 0; turns++) {
    if (turns > MAX_TURNS) throw new Error("the loop does not stop");
    for (const id of model.streaming) {
      model.credit(id, 1_000_000);
      harness.feed(harness.encode(`CREDIT ${id} 1000000`));
    }
    await turn();
    if (failure !== undefined) throw failure;
  }
  await turn();
  harness.records?.handOver();
  model.end();
  if (failure !== undefined) throw failure;
  if (harness.stopped !== 1) throw new Error("the loop stops more than once");
  return harness.said.length;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
