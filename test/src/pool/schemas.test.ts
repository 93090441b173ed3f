// Python scripts with declared schemas through the whole core: contract sections 10.3, 16 and 17.
import { existsSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { environment } from "../../setup/environments.mjs";
import { headerOf, type Service, startService } from "../../setup/service.ts";

const JSON_TYPE = { "content-type": "application/json" };
const SCRIPT_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info.";

const real = environment("schemas");
const KINDS: [kind: string, env: Readonly<Record<string, string>> | undefined][] = [
  ["built-in", {}],
  ["installed", "unavailable" in real || !existsSync(real.python) ? undefined : { SCOREFN_PYTHON: real.python }],
];

describe.each(KINDS.filter(([, env]) => env !== undefined))("with the %s inference_schema", (_, env) => {
  async function serve(more: Readonly<Record<string, string>> = {}): Promise<Service> {
    const service = await startService("declared.py", { WORKER_COUNT: "1", ...env, ...more });
    onTestFinished(service.close);
    return service;
  }

  test("IN-13, SIG-2: calls run() with the members of the object, its defaults and the headers", async () => {
    const { post } = await serve();
    const answer = await post('{"num": 1, "s": "é", "extra": 0}', { headers: { ...JSON_TYPE, "x-who": "me" } });
    expect(answer).toMatchObject({ status: 200, text: '[1, "\\u00e9", 3, "me"]' });
    expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("False");
  });

  test.each(["application/json", "Application/JSON; charset=latin-1", "application/problem+json"])(
    "IN-9: takes a body of type %s",
    async (type) => {
      const { post } = await serve();
      expect((await post('{"num": 1, "s": ""}', { headers: { "content-type": type } })).status).toBe(200);
    },
  );

  test.each([undefined, "text/json", "text/plain", "application/x-www-form-urlencoded"])(
    "IN-9, ERR-6: answers 415 to type %s, whatever the body is",
    async (type) => {
      const { post } = await serve();
      const { status, text, headers } = await post("", { headers: type === undefined ? {} : { "content-type": type } });
      expect(status).toBe(415);
      expect(text).toBe('{"message": "Expects Content-Type to be application/json"}');
      expect(headerOf(headers, "x-ms-run-function-failed")).toBe("False");
    },
  );

  test.each([
    ["", "POST body is empty. Expecting a JSON dictionary."],
    ['{"num":}', "POST body could not be decoded as JSON: Expecting value: line 1 column 8 (char 7)"],
    ["[]", "POST body should be a JSON dictionary."],
    ['{"s": "x"}', "A value is not provided for the 'num' parameter."],
  ])("IN-10 to IN-13, ERR-2: answers 400 to %j", async (body, message) => {
    const { post, logged } = await serve();
    const answer = await post(body, { headers: JSON_TYPE });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([400, { message }]);
    expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("False");
    expect(logged()).not.toContain("Encountered Exception");
  });

  test("IN-14: makes the object of a GET out of the query, and asks for no content type", async () => {
    const { scorer } = await serve();
    const get = (query: string) =>
      scorer.handle({ method: "GET", path: "/score", query, headers: {}, body: Buffer.alloc(0) });
    expect(String((await get("num=1&s=abc&other=[2]")).body)).toBe('[1, "abc", [2], null]');
    expect(String((await get("s=abc")).body)).toBe(`{"message": "A value is not provided for the 'num' parameter."}`);
  });

  test("IS-7: input that cannot be converted is the script's failure", async () => {
    const { post } = await serve({ SCOREFN_ERROR_DETAIL: "none" });
    const answer = await post('{"num": "x", "s": ""}', { headers: JSON_TYPE });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([500, { message: SCRIPT_FAILED }]);
    expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("True");
  });

  test("WEAK-6: with --strict it is the client's", async () => {
    const { post } = await serve({ SCOREFN_STRICT: "true" });
    const answer = await post('{"num": "x", "s": ""}', { headers: JSON_TYPE });
    const reason = "Invalid input data type to parse. Expected: <class 'int'> but got <class 'str'>";
    const message = `The input contradicts the declared schema: num: ${reason}`;
    expect([answer.status, JSON.parse(answer.text)]).toEqual([400, { message }]);
    expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("False");
  });

  test("SW-6, SW-12: describes input and output in the versions that can express them", async () => {
    const { scorer } = await serve();
    const get = async (version: string) => {
      const request = { method: "GET", path: "/swagger.json", query: `version=${version}` };
      const { status, body } = await scorer.handle({ ...request, headers: {}, body: Buffer.alloc(0) });
      return { status, text: String(body) };
    };
    expect(await get("2")).toEqual({
      status: 404,
      text: '{"message": "Swagger version [2] is not supported for the scoring script. Supported swagger versions: [3, 3.1]."}',
    });
    const { status, text } = await get("3");
    expect(status).toBe(200);
    expect(text).toContain(
      '"ServiceInput": {"type": "object", "properties": {"num": {"type": "integer", "format": "int64"}, ' +
        '"s": {"type": "string"}, "request_headers": {}, "other": {}}, ' +
        '"example": {"num": 1, "s": "x", "request_headers": "", "other": ""}}, ' +
        '"ServiceOutput": {"type": "array", "items": {"type": "string"}, "example": [1.0, "x"]}, ',
    );
  });
});
