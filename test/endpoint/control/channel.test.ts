import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call, EndedError, NotRunningError } from "../../../endpoint/control/channel/client.ts";
import { controlOf } from "../../../endpoint/control/channel/routes.ts";
import { type Control, listenForControl } from "../../../endpoint/control/channel/server.ts";
import { conflict } from "../../../endpoint/control/errors.ts";
import { createLab } from "./lab.ts";

let folder: string;
let path: string;
let close: (() => Promise<void>) | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "scorefn-channel-"));
  path = join(folder, "control.sock");
});
afterEach(async () => {
  await close?.();
  close = undefined;
  await rm(folder, { recursive: true });
});

async function listen(control: Control): Promise<void> {
  close = (await listenForControl(path, control)).close;
}

const nothing = (): void => {};

/** What comes back for bytes that no client of ours sends. */
function raw(body: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: path, method: "POST", path: "/keys" }, async (answer) => {
      let text = "";
      for await (const chunk of answer) text += String(chunk);
      resolve(text);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

test("brings progress, then the result, and is its user's alone", async () => {
  await listen(async ({ progress, body, query, method, path: asked }) => {
    progress("one");
    progress("two\nlines");
    return { body, lines: query.get("lines"), method, asked };
  });
  const lines: string[] = [];
  const found = await call(path, { method: "DELETE", path: "/logs/blue?lines=5", body: { a: ["é"] } }, (line) =>
    lines.push(line),
  );
  expect(found).toEqual({ body: { a: ["é"] }, lines: "5", method: "DELETE", asked: "/logs/blue" });
  expect(lines).toEqual(["one", "two\nlines"]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("brings errors with their kind", async () => {
  await listen(async () => {
    throw conflict("it is there already");
  });
  const failed = call(path, { method: "GET", path: "/x" }, nothing);
  await expect(failed).rejects.toMatchObject({ refusal: "conflict", message: "it is there already" });
});

test("what is not JSON, too large, or no command, is refused, and the next command works", async () => {
  const { endpoint } = createLab();
  const host = { hello: () => ({}) as never, remove: async () => {}, page: async () => "" };
  await listen(controlOf(endpoint, host));
  expect(await raw("{")).toContain("the command is not JSON");
  expect(await raw(Buffer.alloc(17 * 1024 * 1024, " "))).toContain("the command is too large");
  const unknown = call(path, { method: "POST", path: "/nothing" }, nothing);
  await expect(unknown).rejects.toMatchObject({ refusal: "not-found" });
  for (const odd of ["/deployments/%", "/deployments/..%2f..", "/"]) {
    await expect(call(path, { method: "GET", path: odd }, nothing)).rejects.toThrow();
  }
  expect(await call(path, { method: "GET", path: "/endpoint" }, nothing)).toMatchObject({ name: "one" });
});

test("what was begun goes on when whoever asked has left", async () => {
  let [begin, finish] = [nothing, nothing];
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const gate = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let isDone = (): void => {};
  const done = new Promise<void>((resolve) => {
    isDone = resolve;
  });
  await listen(async ({ progress }) => {
    progress("begun");
    begin();
    await gate;
    progress("into the void");
    isDone();
    return null;
  });
  const asking = request({ socketPath: path, path: "/x" });
  asking.on("error", nothing);
  asking.end();
  await begun;
  asking.destroy();
  finish();
  await done;
});

test("whoever does not wait is answered at once, and hears of no error later", async () => {
  let finish = nothing;
  const gate = new Promise<void>((resolve) => {
    finish = resolve;
  });
  await listen(async ({ answer }) => {
    answer("accepted");
    await gate;
    throw conflict("too late to tell");
  });
  expect(await call(path, { method: "POST", path: "/x" }, nothing)).toBe("accepted");
  finish();
});

test("nobody, a file, and a process that ends meanwhile, are told apart", async () => {
  const ask = (): Promise<unknown> => call(path, { method: "GET", path: "/x" }, nothing);
  await expect(ask()).rejects.toThrow(NotRunningError);
  await writeFile(path, "");
  await expect(ask()).rejects.toThrow(NotRunningError);
  let begin = nothing;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  await listen(async () => {
    begin();
    return new Promise(nothing);
  });
  const failed = expect(ask()).rejects.toThrow(EndedError);
  await begun;
  await close?.();
  await failed;
});
