// A disk that is full for a moment, at every step of every operation: nothing has changed, and the same operation works after it.
import * as promises from "node:fs/promises";
import { mkdir, readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { endpointFolder } from "../../../endpoint/control/state/folders.ts";
import type { Disk } from "../../../endpoint/control/state/kept-file.ts";
import { openStore, readCredentials, readState } from "../../../endpoint/control/state/store.ts";
import { tree } from "../../packaging/tree.ts";
import { create, createLab, deployment, type Lab, QUIET, STATE, update } from "./lab.ts";

/** Fails once, at a step that is to come. */
class FullDisk {
  #left = 0;
  hasFailed = false;

  /** @param steps from now on; the last one fails */
  failAt(steps: number): void {
    [this.#left, this.hasFailed] = [steps, false];
  }

  async #step<T>(work: () => Promise<T>): Promise<T> {
    if (--this.#left === 0) {
      this.hasFailed = true;
      throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    }
    return work();
  }

  readonly disk: Disk = {
    rm: ((...args: Parameters<typeof promises.rm>) => this.#step(() => promises.rm(...args))) as Disk["rm"],
    link: ((...args: Parameters<typeof promises.link>) => this.#step(() => promises.link(...args))) as Disk["link"],
    rename: ((...args: Parameters<typeof promises.rename>) =>
      this.#step(() => promises.rename(...args))) as Disk["rename"],
    open: (async (...args: Parameters<typeof promises.open>) => {
      const file = await this.#step(() => promises.open(...args));
      const step = <T>(work: () => Promise<T>): Promise<T> => this.#step(work);
      return new Proxy(file, {
        get(target, key) {
          const member = Reflect.get(target, key, target) as unknown;
          if (typeof member !== "function") return member;
          const call = (...all: unknown[]) => Reflect.apply(member, target, all) as Promise<unknown>;
          return key === "writeFile" || key === "sync" ? (...all: unknown[]) => step(() => call(...all)) : call;
        },
      });
    }) as Disk["open"],
  };
}

const change = { document: null, changes: [], folder: "/" } as const;

const OPERATIONS: Readonly<Record<string, (lab: Lab) => Promise<unknown>>> = {
  create: (lab) => create(lab, deployment("green"), true),
  update: (lab) => update(lab, "blue", deployment("blue", "2")),
  "update of what workers do not see": (lab) =>
    lab.endpoint.updateDeployment(
      {
        ...change,
        name: "blue",
        changes: [{ kind: "set", words: ["tags.a=b"], forceString: false }],
        assets: undefined,
      },
      QUIET,
    ),
  delete: (lab) => lab.endpoint.deleteDeployment("red", QUIET),
  traffic: (lab) => lab.endpoint.setTraffic({ red: 100 }),
  keys: (lab) => lab.endpoint.regenerateKeys("primary"),
};

/** More than any operation has. */
const MOST_STEPS = 30;

test.each(Object.entries(OPERATIONS))("%s", async (_what, operate) => {
  const folder = endpointFolder(tree(), "one");
  await mkdir(folder.path, { recursive: true });
  const kept = async () => [(await readState(folder)).value, (await readCredentials(folder, () => {})).value];
  let failures = 0;
  for (let step = 1; ; step++) {
    expect(step).toBeLessThan(MOST_STEPS);
    const full = new FullDisk();
    const lab = createLab(STATE, {}, folder.versions, openStore(folder, full.disk));
    await create(lab, deployment("blue"), true);
    await create(lab, deployment("red"));
    await lab.endpoint.regenerateKeys("secondary");
    const seen = () => [
      lab.endpoint.state,
      lab.endpoint.credentials(),
      lab.endpoint.listDeployments(),
      lab.endpoint.routing.traffic,
    ];
    const before = [structuredClone(seen()), await kept()];
    full.failAt(step);
    const failed = await operate(lab).then(
      () => undefined,
      (error: Error) => error,
    );
    const wasReached = full.hasFailed;
    if (failed !== undefined) {
      failures++;
      expect(failed.message).toMatch(
        /^nothing has changed, because .*ENOSPC.*; make room, or make the folder writable$/,
      );
      expect([seen(), await kept()]).toEqual(before);
      await operate(lab);
    }
    expect(await kept()).toMatchObject([lab.endpoint.state, lab.endpoint.credentials()]);
    expect((await readdir(folder.path)).filter((name) => name.endsWith(".new"))).toEqual([]);
    await lab.endpoint.close(0);
    if (!wasReached) break;
  }
  // Of the two files each step but the last ones, which only make it last, can fail.
  expect(failures).toBeGreaterThan(4);
});
