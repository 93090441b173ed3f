import { request as sendRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHttpServer, type HttpServer } from "../../../adapters/http/index.ts";
import { environment } from "../../setup/environments.mjs";
import { type Service, startService } from "../../setup/service.ts";

const libraries = [
  { name: "with Flask", hasFlask: true, found: environment("azmlinfsrv") },
  { name: "without Flask", hasFlask: false, found: environment("tools") },
].map(({ name, hasFlask, found }) => ({
  name,
  hasFlask,
  python: "python" in found ? found.python : "",
  missing: "unavailable" in found ? found.unavailable : undefined,
}));

describe.each(libraries)("raw HTTP Python scripts $name", ({ hasFlask, python, missing }) => {
  let service: Service;
  let server: HttpServer;
  let origin: string;

  beforeAll(async () => {
    if (missing !== undefined) return;
    service = await startService("raw_http.py", { SCOREFN_PYTHON: python });
    server = createHttpServer(service.scorer, service.config, service.log);
    const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
    origin = `http://127.0.0.1:${port}`;
  });
  afterAll(async () => {
    await server?.close(0);
    await service?.close();
  });

  const call = (query: string, init?: RequestInit): Promise<Response> => fetch(`${origin}/score?case=${query}`, init);

  test.skipIf(missing)("IN-18: GET, POST and OPTIONS call run() with the request", async () => {
    for (const method of ["GET", "POST", "OPTIONS"]) {
      const response = await call("echo&a=1&a=%C3%A9", {
        method,
        ...(method === "POST" && { body: '{"x": 1}' }),
        headers: { "content-type": "application/json", "x-own": "1", cookie: "c=d" },
      });
      expect(response.status).toBe(201);
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(response.headers.get("x-method")).toBe(method);
      expect(response.headers.get("x-list")).toBe("a, b");
      expect(await response.json()).toEqual({
        method,
        args: { case: ["echo"], a: ["1", "é"] },
        data: method === "POST" ? '{"x": 1}' : "",
        header: "1",
        remote: "127.0.0.1",
      });
    }
  });

  test.skipIf(missing)("RT-5: HEAD calls run() and gets the headers of GET without a body", async () => {
    const response = await call("echo", { method: "HEAD" });
    expect(response.status).toBe(201);
    expect(response.headers.get("x-method")).toBe("HEAD");
    expect(Number(response.headers.get("content-length"))).toBeGreaterThan(90);
    expect(await response.text()).toBe("");
    const streamed = await call("streams&piece=a&fail=1", { method: "HEAD" });
    expect([streamed.status, streamed.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  });

  test.skipIf(missing)("RT-4: other methods are refused", async () => {
    expect((await call("echo", { method: "PUT", body: "x" })).status).toBe(405);
  });

  test.skipIf(missing)("HDR-3, HDR-10, HDR-11, OUT-4: the server's own headers are there", async () => {
    const { headers } = await call("echo", { headers: { "x-request-id": "A" } });
    expect(headers.get("x-request-id")).toBe("A");
    expect(headers.get("x-ms-run-function-failed")).toBe("False");
    expect(headers.get("x-ms-run-fn-exec-ms")).toMatch(/^\d+\.\d{3}$/);
    expect(service.logged()).toContain("run() output is HTTP Response");
  });

  test.skipIf(missing || !hasFlask)("API-8: a form and cookies are read", async () => {
    const body = new URLSearchParams({ a: "1", b: "é x" });
    const response = await call("form&a=é", { method: "POST", body, headers: { cookie: "c=d" } });
    expect(await response.json()).toEqual({
      url: `${origin}/score?case=form&a=é`,
      form: { a: "1", b: "é x" },
      files: {},
      cookies: { c: "d" },
      data: "",
    });
  });

  test.skipIf(missing || hasFlask)("API-8: a form needs Flask, and the log says how to get it", async () => {
    const response = await call("form", { method: "POST", body: new URLSearchParams({ a: "1" }) });
    expect([response.status, response.headers.get("x-ms-run-function-failed")]).toEqual([500, "True"]);
    expect(service.logged()).toContain("request.url needs Flask or Werkzeug, and there is neither: pip install flask");
  });

  test.skipIf(missing || !hasFlask)("API-8: files are read", async () => {
    const form = new FormData();
    form.set("field", "wert ü");
    form.set("file", new Blob(["line\r\nä"], { type: "text/plain" }), "näme.txt");
    const response = await call("form", { method: "POST", body: form });
    expect(await response.json()).toMatchObject({
      form: { field: "wert ü" },
      files: { file: ["näme.txt", "line\r\nä"] },
      data: "",
    });
  });

  test.skipIf(missing)("API-7: each cookie is a line of its own, whole", async () => {
    const { headers } = await call("cookies");
    expect(headers.getSetCookie()).toEqual(["a=b; Expires=Fri, 20 Nov 2026 10:00:00 GMT", "c=d", "e=f; Path=/"]);
  });

  test.skipIf(missing)("OUT-3: a status of 500 says that run() failed, whatever the script said", async () => {
    const response = await call("fails");
    expect([response.status, await response.text()]).toEqual([500, "no"]);
    expect(response.headers.get("x-ms-run-function-failed")).toBe("True");
    expect(response.headers.get("x-request-id")).not.toBe("own");
    expect(response.headers.get("x-ms-server-version")).toMatch(/^own, /);
  });

  test.skipIf(missing)("OUT-6: a generator is streamed, each piece a chunk", async () => {
    const chunks: string[] = [];
    const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
      sendRequest(`${origin}/score?case=streams&piece=one&piece=&piece=two`, (response) => {
        response.setEncoding("utf8").on("data", (chunk: string) => chunks.push(chunk));
        response.on("end", () => resolve(response.headers));
      })
        .on("error", reject)
        .end();
    });
    expect(chunks.join("|")).toMatch(/^one\|?two$/);
    expect(headers).toMatchObject({ "transfer-encoding": "chunked", "content-type": "text/event-stream" });
    expect(headers["content-length"]).toBeUndefined();
  });

  test.skipIf(missing)("OUT-6: a generator that fails midway cuts the answer off", async () => {
    const response = await call("streams&piece=one&fail=1");
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  test.skipIf(missing)("ERR-9: one that fails before its first piece is answered 500", async () => {
    const response = await call("streams&fail=1");
    expect(response.status).toBe(500);
    expect(response.headers.get("x-ms-run-function-failed")).toBe("True");
    expect(await response.json()).toHaveProperty("message", expect.stringContaining("scoring script"));
  });

  test.skipIf(missing).each([
    ["202", 202, "body"],
    ["418 I am", 418, "body"],
    ["600", 600, "body"],
    ["204", 204, ""],
  ])("OUT-5: the status %j is sent", async (status, code, body) => {
    const response = await rawStatus(`${origin}/score?case=status&status=${encodeURIComponent(status)}`);
    expect(response).toEqual([code, body]);
  });

  test.skipIf(missing).each(["99", "101", "0", "teapot"])(
    "OUT-5: the status %j is the script's error",
    async (status) => {
      const response = await call(`status&status=${status}`);
      expect(response.status).toBe(500);
      expect(response.headers.get("x-ms-run-function-failed")).toBe("True");
    },
  );

  test.skipIf(missing).each(["parses", "wrong"])("IN-19, OUT-8: %s is the script's error", async (name) => {
    const response = await call(name, { method: "POST", body: "{" });
    expect(response.status).toBe(500);
    expect(response.headers.get("x-ms-run-function-failed")).toBe("True");
  });

  test.skipIf(missing)("OUT-1: what is no response is answered as JSON", async () => {
    const response = await call(`plain&result=${encodeURIComponent('["x", 201]')}`);
    expect([response.status, await response.text()]).toEqual([200, '["x", 201]']);
    expect(response.headers.get("content-type")).toBe("application/json");
  });

  test.skipIf(missing)("big bodies arrive whole", async () => {
    const response = await call("upload", { method: "POST", body: Buffer.alloc(20_000_000, 1) });
    expect(await response.json()).toEqual({ bytes: 20_000_000, sum: 1_000 });
  });
});

/** As fetch, which knows no statuses above 599. */
function rawStatus(url: string): Promise<[number | undefined, string]> {
  return new Promise((resolve, reject) => {
    sendRequest(url, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve([response.statusCode, text]));
    })
      .on("error", reject)
      .end();
  });
}
