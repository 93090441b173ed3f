// Random orders of operations, each of which may fail at one of its steps, against a model of what has to come of them.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Shares } from "../../../endpoint/types.ts";
import { create, createLab, deployment, type Lab, QUIET, STATE, update } from "./lab.ts";

const NAMES = ["blue", "green", "red"] as const;
const name = fc.constantFrom(...NAMES);
const fail = fc.constantFrom(undefined, undefined, undefined, "assets", "start", "update", "disk");
const percents = fc.constantFrom(0, 1, 50, 99, 100, 101);
const shares = fc.dictionary(name, percents, { maxKeys: 2 });

type Step =
  | { readonly kind: "create"; readonly name: string; readonly fail: string | undefined; readonly allTraffic: boolean }
  | { readonly kind: "update"; readonly name: string; readonly fail: string | undefined; readonly version: string }
  | { readonly kind: "delete"; readonly name: string; readonly fail: string | undefined }
  | { readonly kind: "traffic" | "mirror"; readonly shares: Shares; readonly fail: string | undefined };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("create" as const), name, fail, allTraffic: fc.boolean() }),
  fc.record({ kind: fc.constant("update" as const), name, fail, version: fc.constantFrom("2", "3") }),
  fc.record({ kind: fc.constant("delete" as const), name, fail }),
  fc.record({ kind: fc.constantFrom("traffic" as const, "mirror" as const), shares, fail }),
);

interface Model {
  readonly versions: Map<string, string>;
  traffic: Shares;
  mirror: Shares;
}

const nonZero = (all: Shares): Shares => Object.fromEntries(Object.entries(all).filter(([, percent]) => percent > 0));

function isGood({ versions, traffic, mirror }: Model): boolean {
  const total = Object.values(traffic).reduce((sum, percent) => sum + percent, 0);
  const names = [...Object.keys(traffic), ...Object.keys(mirror)];
  const [shadow, ...more] = Object.entries(mirror);
  return (
    (total === 0 || total === 100) &&
    names.every((one) => versions.has(one)) &&
    more.length === 0 &&
    (shadow === undefined || (shadow[1] <= 50 && !traffic[shadow[0]]))
  );
}

/** @returns what the model is after the step; undefined: the step has to fail, and to change nothing */
function expected(model: Model, action: Step): Model | undefined {
  if (action.fail === "disk") return undefined;
  const versions = new Map(model.versions);
  const next = { ...model, versions };
  switch (action.kind) {
    case "create":
      if (versions.has(action.name) || action.fail === "assets" || action.fail === "start") return undefined;
      versions.set(action.name, "1");
      if (action.allTraffic) next.traffic = { [action.name]: 100 };
      break;
    case "update":
      if (!versions.has(action.name) || action.fail === "assets" || action.fail === "update") return undefined;
      versions.set(action.name, action.version);
      break;
    case "delete":
      if (!versions.has(action.name) || model.traffic[action.name] || model.mirror[action.name]) return undefined;
      versions.delete(action.name);
      break;
    case "traffic":
      next.traffic = nonZero(action.shares);
      break;
    case "mirror":
      next.mirror = nonZero(action.shares);
      break;
  }
  return isGood(next) ? next : undefined;
}

function run(lab: Lab, action: Step): Promise<unknown> {
  if (action.fail === "disk") lab.disk.failNext = true;
  const change = { document: null, changes: [], folder: "/" };
  // A failure is one of this step's: what is tried next is to work.
  const own = action.kind === "update" ? ["assets", "update"] : ["assets", "start"];
  const fail = own.find((one) => one === action.fail) ?? "never";
  switch (action.kind) {
    case "create":
      return create(lab, deployment(action.name, "1", fail), action.allTraffic);
    case "update":
      return update(lab, action.name, deployment(action.name, action.version, fail));
    case "delete":
      return lab.endpoint.deleteDeployment(action.name, QUIET);
    case "traffic":
      return lab.endpoint.update({ ...change, traffic: action.shares });
    case "mirror":
      return lab.endpoint.update({ ...change, mirrorTraffic: action.shares });
  }
}

/** What an observer may always rely on. */
function check(lab: Lab): void {
  const { targets, traffic, mirror } = lab.endpoint.routing;
  for (const one of [...Object.keys(traffic), ...Object.keys(mirror)]) expect(targets.has(one)).toBe(true);
  expect(new Set(targets.keys())).toEqual(new Set(Object.keys(lab.endpoint.state.deployments)));
}

/** What is true when nothing is under way. */
function checkAtRest(lab: Lab): void {
  check(lab);
  expect(lab.disk.state).toEqual(lab.endpoint.state);
  const shown = lab.endpoint.listDeployments();
  expect(shown.map((one) => one.name)).toEqual(Object.keys(lab.disk.state.deployments).sort());
  expect(shown.every((one) => one.provisioning_state === "Succeeded")).toBe(true);
  const open = lab.made.filter(({ isClosed }) => !isClosed);
  expect(open.map((one) => one.name).sort()).toEqual(shown.map((one) => one.name));
  for (const one of open) {
    const { document } = lab.disk.state.deployments[one.name]!;
    const { VERSION } = document.environment_variables as Record<string, string>;
    expect(one.spec.environmentVariables.VERSION).toBe(VERSION);
  }
}

test("one after the other, each does what the model says or changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const lab = createLab();
      let model: Model = { versions: new Map(), traffic: {}, mirror: {} };
      for (const action of steps) {
        const next = expected(model, action);
        const failed = await run(lab, action).then(
          () => false,
          () => true,
        );
        lab.disk.failNext = false;
        expect(failed).toBe(next === undefined);
        model = next ?? model;
        checkAtRest(lab);
        expect(lab.endpoint.routing.traffic).toEqual(model.traffic);
        expect(lab.endpoint.routing.mirror).toEqual(model.mirror);
        const versions = lab.made
          .filter(({ isClosed }) => !isClosed)
          .map((one) => [one.name, one.spec.environmentVariables.VERSION]);
        expect(new Map(versions as [string, string][])).toEqual(model.versions);
      }
    }),
    { numRuns: 300 },
  );
});

test("all at once, they all end, in order on each deployment, and what is kept is what runs", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 20 }),
      fc.array(fc.nat(3), { minLength: 40 }),
      fc.option(fc.nat(15)),
      async (steps, waits, endAfter) => {
        const busy = new Set<string>();
        const pause = async (spec: { readonly name: string }): Promise<void> => {
          expect(busy.has(spec.name)).toBe(false);
          busy.add(spec.name);
          for (let turns = waits[waits.length - 1 - (busy.size % waits.length)] ?? 0; turns > 0; turns--) {
            await new Promise(setImmediate);
            check(lab);
          }
          busy.delete(spec.name);
        };
        const lab = createLab(STATE, {
          assets: pause,
          start: pause,
          update: pause,
          close: (one) => pause(one).catch(() => {}),
        });
        const all: Promise<unknown>[] = [];
        for (const [index, action] of steps.entries()) {
          all.push(run(lab, action));
          all.at(-1)!.catch(() => {});
          if (index === endAfter) all.push(lab.endpoint.close(0));
          for (let turns = waits[index] ?? 0; turns > 0; turns--) await new Promise(setImmediate);
          check(lab);
        }
        const outcomes = await Promise.allSettled(all);
        for (const outcome of outcomes)
          if (outcome.status === "rejected") expect(String(outcome.reason)).not.toMatch(/Assertion/);
        await lab.endpoint.settled();
        if (endAfter !== null && endAfter < steps.length) expect(lab.made.every(({ isClosed }) => isClosed)).toBe(true);
        else checkAtRest(lab);
      },
    ),
    { numRuns: 200 },
  );
});
