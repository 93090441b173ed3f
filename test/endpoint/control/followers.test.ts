// Logs that are followed: by many, by slow ones, by ones that leave.
import { mkdtemp, rm } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { call } from "../../../endpoint/control/channel/client.ts";
import { controlOf } from "../../../endpoint/control/channel/routes.ts";
import { listenForControl } from "../../../endpoint/control/channel/server.ts";
import { Followers } from "../../../endpoint/control/followers.ts";
import { until } from "../../setup/service.ts";
import { create, createLab, deployment, type Lab, QUIET, update } from "./lab.ts";

const NO_ONE = new AbortController().signal;

/** The socket of an endpoint with the deployment blue. */
async function listen(): Promise<{ readonly lab: Lab; readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), "scorefn-followers-"));
  const lab = createLab();
  await create(lab, deployment("blue"));
  const host = { hello: () => ({}) as never, remove: async () => {}, page: async () => "" };
  const path = join(folder, "control.sock");
  const { close } = await listenForControl(path, controlOf(lab.endpoint, host));
  onTestFinished(async () => {
    await lab.endpoint.close(0);
    await close();
    await rm(folder, { recursive: true });
  });
  return { lab, path };
}

interface Reader {
  readonly lines: string[];
  readonly said: string[];
  readonly ended: Promise<unknown>;
}

function follow(path: string, last = 5, take: (reader: Reader) => Promise<boolean> = async () => true): Reader {
  const [lines, said]: [string[], string[]] = [[], []];
  const asked = { method: "GET", path: `/log/blue?lines=${last}` } as const;
  const ended = call(
    path,
    asked,
    (line) => said.push(line),
    (more) => {
      lines.push(...more);
      return take(reader);
    },
  );
  const reader = { lines, said, ended };
  return reader;
}

test("a follower gets the last lines and each that comes, until the deployment is deleted", async () => {
  const { lab, path } = await listen();
  const one = follow(path, 1);
  await until(() => one.lines.length === 1, "the last line has come");
  lab.made[0]!.write("first");
  lab.made[0]!.write("second\u2028é");
  await until(() => one.lines.length === 3, "both have come");
  await update(lab, "blue", deployment("blue", "2"));
  lab.made[0]!.write("of the new version");
  await lab.endpoint.deleteDeployment("blue", QUIET);
  expect(await one.ended).toBe(null);
  expect(one.lines).toEqual(["a second line", "first", "second\u2028é", "of the new version"]);
});

test("what is not there cannot be followed, and what is being created can", async () => {
  const { lab, path } = await listen();
  await expect(call(path, { method: "GET", path: "/log/red?lines=1" }, () => {})).rejects.toMatchObject({
    refusal: "not-found",
  });
  let go = (): void => {};
  lab.parts.hooks.start = () =>
    new Promise<void>((resolve) => {
      go = resolve;
    });
  const created = create(lab, deployment("red", "1", "start"));
  created.catch(() => {});
  await until(() => lab.made.length === 2, "it starts");
  const lines: string[] = [];
  const ended = call(
    path,
    { method: "GET", path: "/log/red?lines=9" },
    () => {},
    async (more) => lines.push(...more) > 0,
  );
  await until(() => lines.length === 1, "it is followed");
  lab.made[1]!.write("init() begins");
  await until(() => lines.length === 2, "it is heard");
  go();
  await expect(created).rejects.toThrow("init() raised");
  expect(await ended).toBe(null);
  expect(lines).toEqual(["red does not run: it is being started", "init() begins"]);
});

test("many follow at once, and each gets all lines in order", async () => {
  const { lab, path } = await listen();
  const all = Array.from({ length: 40 }, () => follow(path, 1));
  await until(() => all.every(({ lines }) => lines.length === 1), "all read");
  const expected: string[] = ["a second line"];
  for (let index = 0; index < 2_000; index++) {
    expected.push(`line ${index}`);
    lab.made[0]!.write(`line ${index}`);
  }
  await lab.endpoint.close(0);
  for (const { lines, ended, said } of all) {
    expect(await ended).toBe(null);
    expect(lines).toEqual(expected);
    expect(said).toEqual([]);
  }
});

test("a reader that stalls delays nobody, fills no memory, and hears how much it has missed", async () => {
  const { lab, path } = await listen();
  let go = (): void => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const slow = follow(path, 1, async () => gate.then(() => true));
  const quick = follow(path, 1);
  await until(() => slow.lines.length === 1 && quick.lines.length === 1, "both read");
  const text = "x".repeat(1_000);
  let written = 0;
  for (; written < 40_000; written++) {
    lab.made[0]!.write(`${written} ${text}`);
    if (written % 500 === 0) await until(() => quick.lines.length >= written, "the quick one keeps up");
  }
  await until(() => quick.lines.length === 1 + written, "the quick one has all");
  expect(quick.said).toEqual([]);
  go();
  await until(() => slow.said.length > 0, "the slow one hears of it");
  lab.made[0]!.write("the end");
  await until(() => slow.lines.at(-1) === "the end", "it goes on");
  const missed = slow.said.map((line) => Number(/^warning: (\d+) lines are left out/.exec(line)?.[1]));
  expect(missed).toHaveLength(1);
  // The first was no line of these, and the last came after the gap.
  expect(slow.lines.length - 2 + missed[0]!).toBe(written);
  expect(slow.lines.length).toBeLessThan(30_000);
});

test("readers that leave, at once or in the middle of a line, are forgotten", async () => {
  const { lab, path } = await listen();
  const opened = (): Promise<IncomingMessage> =>
    new Promise((resolve) => {
      const asking = request({ socketPath: path, path: "/log/blue?lines=1" }, resolve);
      asking.on("error", () => {});
      asking.end();
    });
  for (let round = 0; round < 20; round++) {
    const answer = await opened();
    answer.on("error", () => {});
    if (round % 2 === 0) await new Promise((resolve) => answer.once("data", resolve));
    answer.destroy();
    lab.made[0]!.write("x".repeat(100_000));
  }
  const one = follow(path, 1, async ({ lines }) => lines.length < 2);
  await until(() => one.lines.length === 1, "it reads");
  lab.made[0]!.write("enough");
  // Whoever wants no more leaves by itself.
  expect(await one.ended).toBe(null);
});

test("lines cost nothing once nobody follows", async () => {
  const followers = new Followers();
  const leave = new AbortController();
  const reading = followers.follow("blue", () => ["a"], leave.signal);
  expect((await reading.next()).value).toEqual({ lines: ["a"], leftOut: 0 });
  leave.abort();
  expect((await reading.next()).done).toBe(true);
  followers.add("blue", "b");
  const other = followers.follow("blue", () => [], NO_ONE);
  const next = other.next();
  followers.add("blue", "c");
  expect((await next).value).toEqual({ lines: ["c"], leftOut: 0 });
  followers.end("blue");
  expect((await other.next()).done).toBe(true);
});
