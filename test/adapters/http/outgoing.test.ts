import { once } from "node:events";
import { createServer, get, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { send } from "../../../adapters/http/outgoing.ts";

/** Hands over a response whose client has left. */
async function withGoneClient(act: (response: ServerResponse) => Promise<void>): Promise<void> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = get({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" }).on("error", () => {});
  const [, response] = (await once(server, "request")) as [unknown, ServerResponse];
  client.destroy();
  await once(response, "close");
  try {
    await act(response);
  } finally {
    server.close();
  }
}

test("a stream whose client left before its answer came ends unread", () =>
  withGoneClient(async (response) => {
    const seen: string[] = [];
    const body = {
      [Symbol.asyncIterator]: () => ({
        async next() {
          seen.push("next");
          return { done: false as const, value: Buffer.from("x") };
        },
        async return() {
          seen.push("return");
          return { done: true as const, value: undefined };
        },
      }),
    };
    expect(await send("POST", response, { status: 200, headers: [], body })).toBe(0);
    expect(seen).toEqual(["return"]);
  }));

test("a stream ends when the connection breaks while its item is on the way", async () => {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = get({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" }).on("error", () => {});
  const [, response] = (await once(server, "request")) as [unknown, ServerResponse];
  let ends = 0;
  const body = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        // Its "close" comes a tick later than the item does.
        response.destroy();
        return { done: false as const, value: Buffer.from("x") };
      },
      async return() {
        ends++;
        return { done: true as const, value: undefined };
      },
    }),
  };
  await send("POST", response, { status: 200, headers: [], body });
  expect(ends).toBe(1);
  client.destroy();
  server.close();
});
