import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, test } from "vitest";
import { MAX_RESULT_BYTES } from "../../../adapters/lambda/result.ts";
import { answerOf, standInsFor } from "../../../adapters/lambda/stand-ins.ts";

/** Calls a listener the way the buffered entry does. @returns what it answered with */
async function call(listener: RequestListener, body = "") {
  const standIns = standInsFor({
    door: "v2",
    method: body === "" ? "GET" : "POST",
    path: "/score",
    query: "",
    headers: {},
    body: Buffer.from(body),
    remoteAddress: undefined,
  });
  const answer = await answerOf(listener, standIns);
  return { ...answer, body: Buffer.from(answer.body).toString("latin1") };
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
    await expect(call(rejecting)).rejects.toThrow("rejected");
    await expect(
      call(() => {
        throw new RangeError("thrown");
      }),
    ).rejects.toThrow("thrown");
  });

  test("may destroy its response before or after the head", async () => {
    await expect(call((_request, response) => response.destroy(new Error("gone")))).rejects.toThrow("gone");
    const late: RequestListener = (_request, response) => {
      response.writeHead(200);
      response.write("first");
      response.destroy();
    };
    await expect(call(late)).rejects.toMatchObject({ code: "ERR_SCRIPT_RUN" });
  });

  test("may pipe a source that fails", async () => {
    const source = new Readable({
      read() {
        this.destroy(new Error("disk"));
      },
    });
    const piping: RequestListener = (_request, response) => void pipeline(source, response).catch(() => {});
    await expect(call(piping)).rejects.toThrow();
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

  test("is stopped when its answer grows past all limits", async () => {
    const piece = Buffer.alloc(65_536);
    let written = 0;
    const endless: RequestListener = (_request, response) => {
      while (!response.destroyed) {
        response.write(piece);
        written += piece.length;
      }
    };
    await expect(call(endless)).rejects.toMatchObject({ code: "ERR_ANSWER" });
    expect(written).toBeLessThan(MAX_RESULT_BYTES + 3 * piece.length);
  });

  test("reads its body", async () => {
    const echo: RequestListener = async (request: IncomingMessage, response) => {
      let text = "";
      for await (const chunk of request) text += chunk;
      response.end(text);
    };
    expect((await call(echo, "sent")).body).toBe("sent");
  });
});
