// Clients that leave a mirrored request, over a real server.
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHttpServer, type HttpServer } from "../../../adapters/http/index.ts";
import { createMirror, type ReportingMirror } from "../../../endpoint/mirror/index.ts";
import type { ScoreRequest } from "../../../src/host.ts";
import {
  createGate,
  type Service,
  startService,
  type TemporaryFolder,
  temporaryFolder,
  until,
} from "../../setup/service.ts";
import { deployed, type Handled } from "./targets.ts";

let folder: TemporaryFolder;
let blue: Service;
let green: Service;
let shadow: Handled;
let mirror: ReportingMirror;
let server: HttpServer;
let url: string;
/** What the server got last. */
let latest: ScoreRequest;

async function serve(script: string): Promise<void> {
  [blue, green] = await Promise.all([startService(script), startService(script)]);
  const live = deployed("blue", blue);
  shadow = deployed("green", green) as Handled;
  mirror = createMirror();
  const handle: Service["scorer"]["handle"] = async (request) => {
    latest = request;
    return mirror.offer(request, live, shadow, await live.handle(request), 1);
  };
  server = createHttpServer({ ...blue.scorer, handle }, blue.config, blue.log);
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  url = `http://127.0.0.1:${port}/score`;
}

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await server.close(0);
  mirror.close();
  await Promise.all([blue.close(), green.close(), folder.remove()]);
});

/** Whatever came before, requests are answered and mirrored on. */
async function expectOneMore(body: string): Promise<void> {
  const before = mirror.report()?.compared ?? 0;
  const answer = await fetch(url, { method: "POST", body });
  expect(answer.status).toBe(200);
  await answer.text();
  await until(() => (mirror.report()?.compared ?? 0) > before, "the next copy is compared");
  await mirror.settled();
  expect(mirror.report()).toMatchObject({ mirrored: before + 1, compared: before + 1, different: 0, dropped: 0 });
}

test("while the live script works: there is no copy", async () => {
  await serve("does_as_told.py");
  const gate = createGate(folder, "gate");
  const leaving = new AbortController();
  const asked = fetch(url, { method: "POST", body: `wait ${gate.path}`, signal: leaving.signal });
  await gate.begun();
  leaving.abort();
  await expect(asked).rejects.toThrow();
  await until(() => latest.signal?.aborted, "the server knows that its client has left");
  await gate.open();
  await expectOneMore("hello");
  expect(shadow.asked.map(({ body }) => String(body))).toEqual(["hello"]);
});

test("while the live answer streams: there is no copy", async () => {
  await serve("streams.py");
  const leaving = new AbortController();
  const answer = await fetch(url, { method: "POST", body: "endless", signal: leaving.signal });
  const reader = answer.body!.getReader();
  await reader.read();
  leaving.abort();
  await expectOneMore("text");
  expect(shadow.asked.map(({ body }) => String(body))).toEqual(["text"]);
});

test("when the answer is there: the copy goes on without them", async () => {
  await serve("does_as_told.py");
  const gate = createGate(folder, "gate");
  await gate.open();
  const leaving = new AbortController();
  const answer = await fetch(url, { method: "POST", body: `wait ${gate.path}`, signal: leaving.signal });
  expect(await answer.text()).toBe('"wait"');
  leaving.abort();
  await until(() => mirror.report()?.compared === 1, "the copy is compared");
  await expectOneMore("hello");
});
