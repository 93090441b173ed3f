// Several servers that need an environment, those that are killed, and disks that take none.
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { tree } from "../../packaging/tree.ts";
import { conda, machine, STANDS_FOR_CONDA, STANDS_STILL, server } from "./machine.ts";
import { failureOf, make } from "./making.ts";

const left: number[] = [];
afterAll(() => {
  for (const pid of left) {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  }
});

test("of several servers that need the same, one makes it", async () => {
  const on = conda(STANDS_FOR_CONDA);
  const made = await Promise.all(
    [server(on), server(on), server(on)].map(async ({ stdout }) => {
      const lines: string[] = [];
      for await (const line of createInterface(stdout!)) lines.push(line);
      return lines.at(-1);
    }),
  );
  expect(new Set(made).size).toBe(1);
  expect(made[0]).toMatch(/^python \S+bin\/python$/);
  expect(readFileSync(join(on.bin, "asked"), "utf8").trim().split("\n")).toHaveLength(1);
});

test.skipIf(process.platform !== "linux")(
  "what a killed server has left is not used, and its program does no harm",
  async () => {
    const on = conda(STANDS_STILL);
    const killed = server(on);
    for await (const line of createInterface(killed.stdout!)) if (line.startsWith("Downloading something")) break;
    killed.kill("SIGKILL");
    await once(killed, "exit");
    const [pid, , prefix] = readFileSync(join(on.bin, "pids"), "utf8").trim().split(" ");
    left.push(Number(pid));
    const [key] = readdirSync(on.cache);
    // As if it had been gone for an hour.
    const hourAgo = Date.now() / 1000 - 3600;
    utimesSync(join(on.cache, key!, "lock"), hourAgo, hourAgo);
    writeFileSync(join(on.bin, "micromamba"), `#!/bin/sh\n${STANDS_FOR_CONDA}`);
    const { python } = await make("dependencies: [numpy]", on);
    expect(python.startsWith(prefix!)).toBe(false);
    expect(existsSync(prefix!)).toBe(false);
    // Its program goes on, and makes its folder again, perhaps.
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    expect((await make("dependencies: [numpy]", on)).python).toBe(python);
  },
);

describe("a cache that cannot be written to", () => {
  test("is told in one line", async () => {
    const on = machine();
    writeFileSync(on.cache, "a file in the way");
    expect(await failureOf(make("dependencies: []", on))).toMatch(/could not be made: \S+cache: (ENOTDIR|EEXIST)/);
  });

  const NAMESPACE = ["--user", "--map-root-user", "--mount"];
  const isPossible = process.platform === "linux" && spawnSync("unshare", [...NAMESPACE, "true"]).status === 0;

  test.skipIf(!isPossible).each([
    ["is full", "size=64k"],
    ["is read-only", "ro,size=1m"],
  ])("%s", async (_, options) => {
    const on = machine();
    const conduct = `
      const [assets, yaml, cacheFolder] = process.argv.slice(1);
      const { makeEnvironment } = await import(assets + "/environment.js");
      const { readRecipe } = await import(assets + "/recipe.js");
      const recipe = await readRecipe({ conda: yaml, codeFolder: null, env: process.env });
      const options = { cacheFolder, env: process.env, cure: "name another", progress() {} };
      const { readdirSync } = await import("node:fs");
      await makeEnvironment(recipe, options, new AbortController().signal).catch((error) => console.log(error.code, error.message));
      console.log(JSON.stringify(readdirSync(cacheFolder).flatMap((key) => readdirSync(cacheFolder + "/" + key))));
    `;
    const yaml = join(tree({ "conda.yml": "dependencies: [{pip: [toolz]}]" }), "conda.yml");
    const script = 'mkdir "$1" && mount -t tmpfs -o "$2" none "$1" && shift 2 && exec "$@"';
    const node = [
      process.execPath,
      "--input-type=module",
      "-e",
      conduct,
      packageFile("dist/endpoint/assets"),
      yaml,
      on.cache,
    ];
    const args = [...NAMESPACE, "sh", "-c", script, "sh", on.cache, options, ...node];
    const said = execFileSync("unshare", args, { env: { ...on.env }, encoding: "utf8" });
    const [first, second] = said.trim().split("\n");
    expect(first).toMatch(
      /^ERR_ENVIRONMENT the environment of \S+ could not be made: .*(No space left|ENOSPC|EROFS|Read-only)/i,
    );
    expect(second).toBe("[]");
  });
});
