import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { post } from "../../../../adapters/cli/online/post.ts";
import { DEADLINE_MS } from "../../../setup/deadline.ts";

async function serve(take: RequestListener): Promise<string> {
  const server = createServer(take).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/score`;
}

test("sends the body with its length, and takes status, headers and text", async () => {
  const uri = await serve(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    response.writeHead(424, { "x-length": request.headers["content-length"] });
    response.end(Buffer.concat(chunks));
  });
  const answer = await post(uri, { "content-type": "application/json" }, '"grün"', DEADLINE_MS);
  expect(answer).toMatchObject({ status: 424, headers: { "x-length": "7" }, body: '"grün"' });
});

test("an answer that breaks off is an error, before its headers and after them", async () => {
  const early = await serve((request) => request.socket.destroy());
  await expect(post(early, {}, "{}", DEADLINE_MS)).rejects.toThrow(/socket hang up|ECONNRESET/);
  const late = await serve((request, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half", () => request.socket.destroy());
  });
  await expect(post(late, {}, "{}", DEADLINE_MS)).rejects.toThrow(/aborted|ECONNRESET/);
});

test("an answer that does not come ends with the patience, whether it has begun or not", async () => {
  const silent = await serve(() => {});
  await expect(post(silent, {}, "{}", 50)).rejects.toThrow("no answer in 0.05 s");
  const stuck = await serve((_request, response) => void response.writeHead(200).write("half"));
  await expect(post(stuck, {}, "{}", 50)).rejects.toThrow("no answer in 0.05 s");
});
