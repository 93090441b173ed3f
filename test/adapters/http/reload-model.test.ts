// Models that are replaced below a real server: what comes to serve, and what goes on serving.
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { fixtureModel, layOutModels, missingEngine } from "../../setup/onnx.ts";
import { until } from "../../setup/service.ts";
import { COMMAND, type Edited, edited } from "./edited.ts";

/** What each of two models is asked, and what it alone answers. */
const SUM = {
  model: "addsub.onnx",
  body: '{"input_data":{"INPUT0":[[1,2,3,4]],"INPUT1":[[1,1,1,1]]}}',
  answer: { OUTPUT0: [[2, 3, 4, 5]], OUTPUT1: [[0, 1, 2, 3]] },
};
const SAME = { model: "type-float32.onnx", body: '{"input_data":[1,2]}', answer: [1, 2] };

/** More changes than a file that a script writes itself may have. */
const PIECES = 9;

async function expectServed(server: Edited, { body, answer }: typeof SUM | typeof SAME): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${server.url}/score`, { method: "POST", headers, body });
  expect([response.status, await response.json()]).toEqual([200, answer]);
}

const COMMANDS = { "serve --reload": [COMMAND, "serve", "--reload"], dev: [COMMAND, "dev"] };

describe.skipIf(missingEngine())("scorefn --model with --reload", () => {
  const serve = (command: readonly string[], files: Readonly<Record<string, string>>, model: string) =>
    edited(
      undefined,
      { "README.md": "" },
      {
        command,
        args: ["--model", model],
        prepare: (folder) => void layOutModels(folder, files),
      },
    );

  test.each(Object.entries(COMMANDS))("%s serves each file that takes the model's place", async (_name, command) => {
    const server = await serve(command, { "m.onnx": SUM.model }, "m.onnx");
    const path = join(server.folder, "m.onnx");
    await server.waitReady();
    await expectServed(server, SUM);

    copyFileSync(fixtureModel(SAME.model), join(server.folder, "copy.tmp"));
    renameSync(join(server.folder, "copy.tmp"), path);
    await server.settles("watching", 2);
    await expectServed(server, SAME);

    const whole = readFileSync(fixtureModel(SUM.model));
    const half = Math.floor(whole.length / 2);
    writeFileSync(path, whole.subarray(0, half));
    const { status, body } = await server.settles("failed", 2);
    expect([status, body.state]).toEqual([200, "ready"]);
    expect(body.reload?.changed).toEqual(["m.onnx"]);
    expect(body.reload?.error).toMatchObject({ code: "ERR_MODEL_LOAD", message: expect.stringContaining("m.onnx") });
    await expectServed(server, SAME);
    await until(
      () => server.stderr().includes("the edit cannot be served, the last good version goes on"),
      "the terminal says so",
    );
    appendFileSync(path, whole.subarray(half));
    await server.settles("watching", 3);
    await expectServed(server, SUM);
    expect(await server.stop()).toBe(0);
  });

  test("a file that arrives in many pieces is no file that the model writes itself", async () => {
    const server = await serve(COMMANDS["serve --reload"], { "m.onnx": SAME.model }, "m.onnx");
    const path = join(server.folder, "m.onnx");
    await server.waitReady();
    const whole = readFileSync(fixtureModel(SUM.model));
    const end = (piece: number): number => Math.floor((whole.length * piece) / PIECES);
    truncateSync(path);
    const tries = (): number => server.stdout().split("m.onnx changed; reloading").length - 1;
    await until(() => tries() > 0, "the empty file is tried");
    for (let piece = 0; piece < PIECES; piece++) {
      const before = tries();
      appendFileSync(path, whole.subarray(end(piece), end(piece + 1)));
      // The next one comes while this one is tried.
      await until(() => tries() > before, `piece ${piece} is tried`);
    }
    await server.settles("watching", 2);
    await expectServed(server, SUM);
    expect(server.stdout()).not.toContain("counts as an edit no longer");
    expect(await server.stop()).toBe(0);
  });

  test("a repository gets another version, a broken one and another model", async () => {
    const server = await serve(COMMANDS["serve --reload"], { "repo/sum/1/model.onnx": SUM.model }, "repo");
    await server.waitReady();
    const asked = async (path: string, method = "GET") => {
      const answer = await fetch(`${server.url}${path}`, { method });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    const put = (fixture: string, place: string): void => {
      const path = join(server.folder, "repo", place);
      mkdirSync(dirname(path), { recursive: true });
      copyFileSync(fixtureModel(fixture), `${path}.tmp`);
      renameSync(`${path}.tmp`, path);
    };
    const versions = async () => (await asked("/v2/models/sum")).body.versions as string[] | undefined;
    expect(await versions()).toEqual(["1"]);
    put(SUM.model, "sum/2/model.onnx");
    // Without a policy it is the newest alone.
    await until(async () => (await versions())?.[0] === "2", "version 2 serves");
    expect((await asked("/v2/models/sum/versions/1/ready")).status).toBe(404);

    put(SAME.model, "same/1/model.onnx");
    await until(async () => (await asked("/v2/models/same/ready")).status === 200, "the other model serves");
    put("junk.onnx", "broken/1/model.onnx");
    await until(async () => (await asked("/v2/models/broken/ready")).status === 503, "the broken one is known");
    expect((await server.ready()).status).toBe(503);
    expect((await asked("/v2/models/sum/ready")).status).toBe(200);
    const index = (await asked("/v2/repository/index", "POST")).body as unknown as { name: string; state: string }[];
    expect(index.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "broken UNAVAILABLE",
      "same READY",
      "sum READY",
    ]);
    expect(await server.stop()).toBe(0);
  });
});
