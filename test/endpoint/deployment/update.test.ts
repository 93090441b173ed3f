// Another version takes the place of the one that runs.
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { isAlive, temporaryFolder, until } from "../../setup/service.ts";
import { assetsOf, create, deploy, gates, specOf } from "./deploy.ts";

const ECHO = specOf("echo.ts");
const GATED = specOf("waits_for_file.ts");

describe("update()", () => {
  test("serves with the old version until the new one is ready, and lets what runs there end", async () => {
    const [gate, init] = await gates(2);
    const blue = await deploy(GATED);
    const old = Number((await blue.post("")).text);
    const runs = blue.post(gate!.path);
    await gate!.begun();
    const waits = blue.post("");

    const updated = blue.update(specOf("init_waits_for_file.py"), assetsOf({ TEST_GATE: init!.path }));
    await until(() => blue.state === "Updating", "it has begun");
    expect(blue.isReady).toBe(true);
    await init!.open();
    await updated;
    expect(blue).toMatchObject({ state: "Succeeded", inFlight: 2, leaving: 2 });
    expect(blue.spec.code?.scoringScript).toBe("init_waits_for_file.py");
    expect((await blue.post("new")).text).toBe('"new"');
    expect(isAlive(old)).toBe(true);

    await gate!.open();
    expect([(await runs).text, (await waits).text]).toEqual([String(old), String(old)]);
    await until(() => !isAlive(old), "the old worker has gone");
    expect(blue.inFlight).toBe(0);
  });

  test("lets a stream of the old version go on to its end", async () => {
    const [gate] = await gates(1);
    const blue = await deploy(specOf("streams.py"));
    const { body } = await blue.handle({
      method: "POST",
      path: "/score",
      query: "",
      headers: {},
      body: Buffer.from(`waits ${gate!.path}`),
    });
    const chunks = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    const first = await chunks.next();
    await blue.update(ECHO, assetsOf());
    expect(blue.inFlight).toBe(1);
    expect((await blue.post("new")).text).toBe('"new"');
    await gate!.open();
    let text = Buffer.from(first.value!).toString();
    for (let item = await chunks.next(); !item.done; item = await chunks.next()) {
      text += Buffer.from(item.value).toString();
    }
    expect(text).toBe("firstsecond");
    await until(() => blue.inFlight === 0, "the stream has ended");
  });

  test("to a version that does not come up changes nothing and says why; the next one works", async () => {
    const blue = await deploy(ECHO);
    const { workers } = blue;
    const failed = blue.update(specOf("broken/init_throws.py"), assetsOf());
    await expect(failed).rejects.toMatchObject({
      code: "ERR_SCRIPT_INIT",
      message: expect.stringContaining("no model"),
    });
    await expect(blue.update(specOf("missing.py"), assetsOf())).rejects.toMatchObject({ code: "ERR_SCRIPT_LOAD" });
    await expect(blue.update({ ...ECHO, code: null }, assetsOf())).rejects.toThrow(
      /has neither a score script nor a model/,
    );
    expect(blue).toMatchObject({ state: "Succeeded", isReady: true, workers, spec: ECHO });
    expect((await blue.post("still")).text).toBe('"still"');
    await blue.update(GATED, assetsOf());
    expect(blue.spec).toBe(GATED);
  });

  test("that is asked for during a start or another update takes its turn", async () => {
    const [init] = await gates(1);
    const blue = create(specOf("init_waits_for_file.py"), assetsOf({ TEST_GATE: init!.path }));
    const started = blue.start();
    const early = blue.post("early");
    const ended: string[] = [];
    const note = (name: string) => () => void ended.push(name);
    const updates = [
      blue.update(GATED, assetsOf()).then(note("first")),
      blue.update(specOf("broken/init_throws.ts"), assetsOf()).catch(note("second failed")),
      blue.update(ECHO, assetsOf()).then(note("third")),
    ];
    await init!.open();
    await started;
    await Promise.all(updates);
    expect(ended).toEqual(["first", "second failed", "third"]);
    expect((await early).text).toBe('"early"');
    expect(blue).toMatchObject({ spec: ECHO, state: "Succeeded" });
  });

  test("ends with the deployment that is closed meanwhile", async () => {
    const [init] = await gates(1);
    const blue = await deploy(ECHO);
    const updated = blue.update(specOf("init_waits_for_file.py"), assetsOf({ TEST_GATE: init!.path }));
    const later = blue.update(ECHO, assetsOf());
    const rejected = [updated, later].map((each) => expect(each).rejects.toMatchObject({ code: "ERR_STOPPING" }));
    await until(() => blue.state === "Updating", "it has begun");
    await blue.close(60_000);
    await Promise.all(rejected);
    expect(blue.state).toBe("Deleting");
  });

  test("goes on though a worker of the old version dies, and is tried again by itself when one of the new dies", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const [init] = await gates(1);
    const blue = await deploy(GATED);
    const old = Number((await blue.post("")).text);
    const updated = blue.update(specOf("init_waits_for_file.py"), assetsOf({ TEST_GATE: init!.path }));
    await until(() => blue.state === "Updating", "it has begun");
    process.kill(old, "SIGKILL");
    expect(Number((await blue.post("")).text)).not.toBe(old);
    await until(() => /Found user script at .*init_waits_for_file/.test(blue.written()), "the new one has begun");
    const [, pid] = blue.written().match(/\[(\d+)\] \S+ - Found user script at .*init_waits/) ?? [];
    process.kill(Number(pid), "SIGKILL");
    await init!.open();
    await updated;
    expect((await blue.post("new")).text).toBe('"new"');
  });

  test("to and from a server that the user runs keeps the same life", async () => {
    const open = new Set<Socket>();
    const server = createServer((_request, response) => void response.end("from the upstream"));
    server.on("connection", (socket) => void open.add(socket.once("close", () => open.delete(socket))));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const blue = await deploy(ECHO);
    await blue.update({ ...ECHO, code: null }, { ...assetsOf(), upstream });
    expect(blue).toMatchObject({ isReady: true, workers: undefined });
    expect((await blue.post("")).text).toBe("from the upstream");
    await blue.update(ECHO, assetsOf());
    expect((await blue.post("back")).text).toBe('"back"');
    await until(() => open.size === 0, "it has been let go");
  });
});

test("a file that is there by then is found: an update loads the code anew", async () => {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const write = (answer: number): void =>
    writeFileSync(
      folder.file("score.ts"),
      `export function init(): void {}\nexport const run = (): number => ${answer};\n`,
    );
  write(1);
  const spec = specOf("", { code: { folder: folder.file(""), scoringScript: "score.ts" } });
  const blue = await deploy(spec);
  expect((await blue.post("")).text).toBe("1");
  write(2);
  await blue.update(spec, assetsOf());
  expect((await blue.post("")).text).toBe("2");
});
