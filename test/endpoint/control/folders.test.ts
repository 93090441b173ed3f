// What goes away, goes alone: an endpoint that is kept, or one that comes at once, stays whole.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listen } from "../../../adapters/cli/online/listening.ts";
import { openEndpoint } from "../../../endpoint/control/running.ts";
import { endpointFolder, homeFolder, makeFolder, removeFolder } from "../../../endpoint/control/state/folders.ts";
import { ScoreError } from "../../../src/core/errors.ts";
import { createFakeParts } from "./fake-parts.mjs";
import { STATE } from "./lab.ts";

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "scorefn-folders-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function open(kind: "create" | "serve") {
  const mode = { kind, state: { ...STATE, port: 0 } } as const;
  const parts = createFakeParts(ScoreError).now;
  return openEndpoint({
    folder: endpointFolder(home, "one"),
    parts,
    listen,
    progress: () => {},
    mode,
    writeLog: () => {},
  });
}

test("a home that is relative is found from other folders, too", () => {
  expect(homeFolder({ SCOREFN_HOME: "kept" })).toBe(join(process.cwd(), "kept"));
});

test("a newcomer keeps what it has made while the last endpoint of its name is being removed", async () => {
  const folder = endpointFolder(home, "one");
  for (let round = 0; round < 20; round++) {
    await makeFolder(folder);
    mkdirSync(folder.versions);
    for (let file = 0; file < 20; file++) writeFileSync(join(folder.versions, `${file}`), "");
    const removed = removeFolder(folder);
    while (existsSync(folder.path)) await setImmediate();
    mkdirSync(folder.path);
    for (const path of [folder.state, folder.socket]) writeFileSync(path, "of the newcomer");
    await removed;
    expect([folder.state, folder.socket].map((path) => readFileSync(path, "utf8"))).toHaveLength(2);
    rmSync(folder.path, { recursive: true });
  }
});

test("an endpoint that was served takes no lock with it that is not its own", async () => {
  const folder = endpointFolder(home, "one");
  const running = await open("serve");
  const closed = running.close(0);
  while (existsSync(folder.path)) await setImmediate();
  mkdirSync(folder.path);
  writeFileSync(join(folder.path, "lock.1"), "of the newcomer");
  await closed;
  expect(existsSync(join(folder.path, "lock.1"))).toBe(true);
});

test("serving under the name of an endpoint that is kept leaves it as it is, whatever else goes wrong", async () => {
  const folder = endpointFolder(home, "one");
  await (await open("create")).close(0);
  mkdirSync(join(folder.versions, "blue-1"), { recursive: true });
  const before = readFileSync(folder.state, "utf8");
  await expect(open("serve")).rejects.toThrow(/the endpoint one exists/);
  expect(readFileSync(folder.state, "utf8")).toBe(before);
  expect(existsSync(join(folder.versions, "blue-1"))).toBe(true);
});
