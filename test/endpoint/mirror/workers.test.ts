// The mirror between real scripts in worker processes.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMirror, type ReportingMirror } from "../../../endpoint/mirror/index.ts";
import { createGate, type Service, startService, type TemporaryFolder, temporaryFolder } from "../../setup/service.ts";
import { deployed, request } from "./targets.ts";

const LIMIT_MS = 300;

describe.each(["py", "ts"])("scripts in .%s", (extension) => {
  let blue: Service;
  let green: Service;
  let mirror: ReportingMirror;
  let folder: TemporaryFolder;

  beforeEach(async () => {
    mirror = createMirror();
    folder = await temporaryFolder();
  });
  afterEach(async () => {
    mirror.close();
    await Promise.all([blue?.close(), green?.close(), folder.remove()]);
  });

  async function start(live: string, shadow: string): Promise<void> {
    [blue, green] = await Promise.all([startService(`${live}.${extension}`), startService(`${shadow}.${extension}`)]);
  }

  test("the same script answers the same", async () => {
    await start("echo", "echo");
    const [live, shadow] = [deployed("blue", blue), deployed("green", green)];
    for (let count = 0; count < 20; count++) {
      const sent = request(`[${count}]`);
      mirror.offer(sent, live, shadow, await live.handle(sent), 1);
    }
    await mirror.settled();
    expect(mirror.report()).toMatchObject({
      compared: 20,
      different: 0,
      liveStatuses: { 200: 20 },
      shadowStatuses: { 200: 20 },
    });
  });

  test("a shadow whose worker dies is told by its status, and answers the next", async () => {
    await start("does_as_told", "does_as_told");
    const [first, second] = [deployed("blue", blue), deployed("green", green)];
    const [told, sent] = [request("die"), request("hello")];
    mirror.offer(told, first, second, await first.handle(sent), 1);
    await mirror.settled();
    mirror.offer(sent, first, second, await first.handle(sent), 1);
    await mirror.settled();
    expect(mirror.report()).toMatchObject({
      compared: 2,
      different: 1,
      kinds: [
        { kind: "status 200 -> 500", examples: [{ live: { status: 200, body: '"hello"' }, shadow: { status: 500 } }] },
      ],
    });
  });

  test("a shadow that does not come back is ended at its time-out", async () => {
    await start("does_as_told", "does_as_told");
    const gate = createGate(folder, "gate");
    const live = deployed("blue", blue);
    const shadow = deployed("green", green, { requestTimeoutMs: LIMIT_MS });
    mirror.offer(request(`wait ${gate.path}`), live, shadow, await live.handle(request("hello")), 1);
    await mirror.settled();
    expect(mirror.report()!.kinds).toMatchObject([{ kind: "status 200 -> 408" }]);
    await gate.open();
    expect(await green.post("hello")).toMatchObject({ status: 200 });
  });

  test("streams are compared as a whole", async () => {
    await start("streams", "streams");
    const live = deployed("blue", blue);
    const sent = request("text");
    const answer = mirror.offer(sent, live, deployed("green", green), await live.handle(sent), 1);
    let text = "";
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) text += Buffer.from(chunk).toString();
    expect(text).toBe("onetwo");
    await mirror.settled();
    expect(mirror.report()).toMatchObject({ compared: 1, different: 0, notComparable: 0 });
  });

  test("a shadow that is stopped while it works is told by its status", async () => {
    await start("does_as_told", "does_as_told");
    const gate = createGate(folder, "gate");
    const [live, shadow] = [deployed("blue", blue), deployed("green", green)];
    mirror.offer(request(`wait ${gate.path}`), live, shadow, await live.handle(request("hello")), 1);
    await gate.begun();
    await green.close();
    await mirror.settled();
    const report = mirror.report()!;
    expect(report).toMatchObject({ compared: 1, different: 1 });
    expect(report.kinds[0]!.kind).toMatch(/^status 200 -> 50[03]$/);
  });
});
