import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, test } from "vitest";
import { createListener } from "../../../adapters/http/index.ts";
import { createListenerHandler } from "../../../adapters/lambda/listener.ts";
import { startScript } from "./driver.ts";
import { fromResult, toEvent } from "./front-door.ts";

/** Calls a listener as a function. @returns what it answered with */
async function call(listener: RequestListener, body?: string) {
  const event = toEvent("url", { target: "/score", ...(body !== undefined && { body }) });
  const answer = fromResult(await createListenerHandler(listener)(event));
  return { ...answer, body: answer.body.toString("latin1") };
}

describe("a listener for node:http", () => {
  test("sees the end of a request without a body once", async () => {
    let ends = 0;
    const answer = await call((request, response) => {
      request.resume();
      request.on("end", () => {
        ends++;
        setImmediate(() => setImmediate(() => response.end(String(ends))));
      });
    });
    expect(answer.body).toBe("1");
    expect(ends).toBe(1);
  });

  test("may be async and reject, or throw", async () => {
    const rejecting = (async () => {
      throw new RangeError("rejected");
    }) as RequestListener;
    expect((await call(rejecting)).status).toBe(500);
    const throwing: RequestListener = () => {
      throw new RangeError("thrown");
    };
    expect((await call(throwing)).status).toBe(500);
  });

  test("may destroy its response before or after the head", async () => {
    expect((await call((_request, response) => void response.destroy(new Error("gone")))).status).toBe(500);
    const late: RequestListener = (_request, response) => {
      response.writeHead(200);
      response.write("first");
      response.destroy();
    };
    expect((await call(late)).status).toBe(500);
  });

  test("may pipe a source that fails", async () => {
    const source = new Readable({
      read() {
        this.destroy(new Error("disk"));
      },
    });
    const piping: RequestListener = (_request, response) => void pipeline(source, response).catch(() => {});
    expect((await call(piping)).status).toBe(500);
  });

  test("gets the response back from writeHead(), in all its forms", async () => {
    const head = [
      ["a", "1"],
      ["set-cookie", "x=1"],
      ["set-cookie", "y=2"],
    ];
    const forms: ((response: ServerResponse) => ServerResponse)[] = [
      (response) => response.writeHead(201, ["a", "1", "set-cookie", "x=1", "set-cookie", "y=2"]),
      (response) => response.writeHead(201, { a: "1", "set-cookie": ["x=1", "y=2"] }),
      (response) => response.writeHead(201, "Created", { a: "1", "set-cookie": ["x=1", "y=2"] }),
      (response) => response.setHeader("a", "0").setHeader("set-cookie", ["x=1", "y=2"]).writeHead(201, { a: "1" }),
    ];
    for (const form of forms) {
      const answer = await call((_request, response) => {
        form(response).end("ok");
      });
      expect(answer.status).toBe(201);
      expect([...answer.headers].sort()).toEqual(head);
      expect(answer.body).toBe("ok");
    }
  });

  test("may set its headers without writeHead()", async () => {
    const answer = await call((_request, response) => {
      response.statusCode = 202;
      response.setHeader("X-One", "1");
      response.end();
    });
    expect(answer).toMatchObject({ status: 202, headers: [["x-one", "1"]] });
  });

  test("may say transfer-encoding: chunked, which is the front door's business", async () => {
    const answer = await call((_request, response) => {
      response.setHeader("Transfer-Encoding", "chunked");
      response.write("ab\r\ncd");
      response.write(Buffer.from([0xff, 0x00]));
      response.end("ef");
    });
    expect(answer.headers).toEqual([]);
    expect(answer.body).toBe("ab\r\ncd\xff\x00ef");
  });

  test("reads its body", async () => {
    const echo: RequestListener = async (request: IncomingMessage, response) => {
      let text = "";
      for await (const chunk of request) text += chunk;
      response.end(text);
    };
    expect((await call(echo, "sent")).body).toBe("sent");
  });

  test("of the scorer answers through it, bytes unharmed", async () => {
    const service = await startScript("echo.ts", "typescript");
    const listener = createListener(service.scorer, service.config, service.log);
    const answer = await call(listener, '"hello"');
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toBe('"hello"');
  });

  test("is not asked about events that are no HTTP requests", async () => {
    await expect(createListenerHandler(() => {})({ Records: [] })).rejects.toThrow("another service");
  });
});
