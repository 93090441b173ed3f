// What is made for a version of a deployment goes with its last worker, and never before.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { DeploymentSpec } from "../../../endpoint/types.ts";
import { tree } from "../../packaging/tree.ts";
import { until } from "../../setup/service.ts";
import { create, createLab, deployment, type Lab, QUIET, STATE, update } from "./lab.ts";

let folder: string;
let lab: Lab;
/** Ends the last worker of a version. */
let endWorkers: Map<string, () => void>;

const versionOf = ({ environmentVariables }: DeploymentSpec): string => environmentVariables.VERSION!;

beforeEach(() => {
  folder = join(tree(), "versions");
  endWorkers = new Map();
  lab = createLab(
    STATE,
    {
      assets: (spec, _options, work) => {
        mkdirSync(work.folder, { recursive: true });
        writeFileSync(join(work.folder, versionOf(spec)), "");
      },
      ended: (former) => new Promise<void>((resolve) => void endWorkers.set(versionOf(former), resolve)),
    },
    folder,
  );
});

/** Versions that have a folder. */
function kept(): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => readdirSync(join(folder, name)))
    .sort();
}

const becomes = (versions: readonly string[]) => until(() => String(kept()) === String(versions), `kept: ${versions}`);

test("each version's folder stays until its workers have ended, in whatever order", async () => {
  await create(lab, deployment("blue", "1"));
  await update(lab, "blue", deployment("blue", "2"));
  await update(lab, "blue", deployment("blue", "3"));
  expect(kept()).toEqual(["1", "2", "3"]);
  endWorkers.get("2")!();
  await becomes(["1", "3"]);
  endWorkers.get("1")!();
  await becomes(["3"]);
});

test("a version that does not come up leaves nothing, and the one that runs keeps its own", async () => {
  await create(lab, deployment("blue", "1"));
  await expect(update(lab, "blue", deployment("blue", "2", "update"))).rejects.toThrow();
  await expect(update(lab, "blue", deployment("blue", "3", "assets"))).rejects.toThrow();
  expect(kept()).toEqual(["1"]);
  await expect(create(lab, deployment("green", "4", "start"))).rejects.toThrow();
  expect(kept()).toEqual(["1"]);
});

test("an update that cannot be written down goes back to a version that has its folder", async () => {
  await create(lab, deployment("blue", "1"));
  lab.disk.failNext = true;
  await expect(update(lab, "blue", deployment("blue", "2"))).rejects.toThrow("the disk is full");
  expect(kept()).toEqual(["1", "2"]);
  // The first start of version 1 has ended; the second one has the same folder.
  endWorkers.get("1")!();
  endWorkers.get("2")!();
  await becomes(["1"]);
  await update(lab, "blue", deployment("blue", "3"));
  endWorkers.get("1")!();
  await becomes(["3"]);
});

test("a deployment that is deleted takes all with it, however long its old workers live", async () => {
  await create(lab, deployment("blue", "1"));
  await create(lab, deployment("green", "5"));
  await update(lab, "blue", deployment("blue", "2"));
  await lab.endpoint.deleteDeployment("blue", QUIET);
  expect(kept()).toEqual(["5"]);
  endWorkers.get("1")!();
  await lab.endpoint.close(0);
  expect(kept()).toEqual([]);
});

test("an update that the end of the endpoint breaks off keeps its folder until its workers have ended", async () => {
  let [begin, go] = [(): void => {}, (): void => {}];
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  lab.parts.hooks.update = () => {
    begin();
    return gate;
  };
  lab.parts.hooks.close = async () => {
    expect(kept()).toEqual(["1", "2"]);
    go();
  };
  await create(lab, deployment("blue", "1"));
  const updated = update(lab, "blue", deployment("blue", "2"));
  updated.catch(() => {});
  await begun;
  await lab.endpoint.close(0);
  await expect(updated).rejects.toThrow();
  expect(kept()).toEqual([]);
});
