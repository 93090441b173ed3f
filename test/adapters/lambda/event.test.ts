import { readFileSync } from "node:fs";
import type { ALBEvent, APIGatewayProxyEvent, APIGatewayProxyEventV2, LambdaFunctionURLEvent } from "aws-lambda";
import { describe, expect, test } from "vitest";
import { type AnyEvent, doorOf, type EventRequest, readV2 } from "../../../adapters/lambda/event.ts";
import { readOther } from "../../../adapters/lambda/other-events.ts";
import { packageFile } from "../../../src/core/package-root.ts";

function sample<T>(name: string): T {
  return JSON.parse(readFileSync(packageFile(`test/fixtures/events/${name}.json`), "utf8")) as T;
}

function read(event: unknown): EventRequest {
  const door = doorOf(event);
  return door === "v2" ? readV2(event as AnyEvent) : readOther(event, door)!;
}

const rest = sample<APIGatewayProxyEvent>("rest");
const httpApi = sample<APIGatewayProxyEventV2>("http-api");
const functionUrl = sample<LambdaFunctionURLEvent>("function-url");
const alb = sample<ALBEvent>("alb");
const albMulti = sample<ALBEvent>("alb-multi");

describe("binary tensors without a content type, as Triton's client sends them", () => {
  const json = Buffer.from(
    '{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","parameters":{"binary_data_size":8}}]}',
  );
  const bytes = Buffer.concat([json, Buffer.from(Float32Array.of(-1.5, 3.25e38).buffer)]);
  const doors = [
    ["rest", { ...rest, path: "/v2/models/m/infer" }],
    ["http-api", { ...httpApi, rawPath: "/prod/v2/models/m/infer" }],
    ["function-url", { ...functionUrl, rawPath: "/v2/models/m/infer" }],
    ["alb", { ...alb, path: "/v2/models/m/infer" }],
    ["alb-multi", { ...albMulti, path: "/v2/models/m/infer" }],
  ] as const;

  function sent(event: object, body: string, isBase64Encoded: boolean): EventRequest {
    const headers = { "Inference-Header-Content-Length": String(json.length) };
    const multi = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
    const both = "multiValueHeaders" in event && event.multiValueHeaders ? { multiValueHeaders: multi } : {};
    return read({ ...event, headers, ...both, body, isBase64Encoded });
  }

  test.for(doors)("%s: base64 becomes the bytes that were sent", ([, event]) => {
    const request = sent(event, bytes.toString("base64"), true);
    expect(request.problem).toBeUndefined();
    expect(request.path).toBe("/v2/models/m/infer");
    expect(request.headers["content-type"]).toBeUndefined();
    expect(request.headers["inference-header-content-length"]).toBe(String(json.length));
    expect(request.headers["content-length"]).toBe(String(bytes.length));
    expect(request.body.equals(bytes)).toBe(true);
  });

  test.for(doors)("%s: bytes that a front door took for text are told from others, with what to do", ([, event]) => {
    const { problem } = sent(event, bytes.toString("utf8"), false);
    expect(problem?.message).toContain("Content-Type: application/octet-stream");
  });

  test.for(doors)("%s: text that is text passes as such", ([, event]) => {
    const text = Buffer.concat([json, Buffer.from("abcdefgh")]);
    const request = sent(event, text.toString(), false);
    expect(request.problem).toBeUndefined();
    expect(request.body.equals(text)).toBe(true);
  });
});

describe("samples of events", () => {
  test.for([
    ["rest", rest, "v1"],
    ["http-api", httpApi, "v2"],
    ["function-url", functionUrl, "v2"],
    ["alb", alb, "alb"],
    ["alb-multi", albMulti, "alb-multi"],
  ] as const)("%s is a request of its kind", ([, event, door]) => {
    expect(doorOf(event)).toBe(door);
    const request = read(event);
    expect(request.method).toBe("POST");
    expect(request.path).toBe("/score");
    expect(request.headers["content-type"]).toBe("application/json");
    expect(request.headers["content-length"]).toBe("16");
    expect(request.body.toString()).toBe('{"data": [1, 2]}');
  });

  test("a REST API's repeated headers and query values are all there", () => {
    const { headers, query, remoteAddress } = read(rest);
    expect(headers["x-request-id"]).toBe("one,two");
    expect(query).toBe("q=a%20b&name=first&name=second");
    expect(remoteAddress).toBe("52.255.255.12");
  });

  test("an HTTP API's stage is cut off, its cookies become a header", () => {
    const { headers, query, remoteAddress } = read(httpApi);
    expect(headers.cookie).toBe("cookie1; cookie2=x");
    expect(headers.header2).toBe("value1,value2");
    expect(query).toBe("parameter1=value1&parameter1=value2&parameter2=value");
    expect(remoteAddress).toBe("192.0.2.1");
  });

  test("a load balancer's query is passed on undecoded, and its client is the last address", () => {
    expect(read(alb).query).toBe("query=1234ABCD%20");
    const { headers, query, remoteAddress } = read(albMulti);
    expect(query).toBe("name=first&name=second");
    expect(headers.cookie).toBe("a=1; b=2");
    expect(headers["x-request-id"]).toBe("one,two");
    expect(remoteAddress).toBe("72.12.164.125");
  });

  test("reading leaves the event as it was", () => {
    const before = JSON.stringify(rest);
    read(rest);
    expect(JSON.stringify(rest)).toBe(before);
  });
});

describe("paths", () => {
  const at = (rawPath: string, stage: string) =>
    read({ ...httpApi, rawPath, requestContext: { ...httpApi.requestContext, stage } }).path;

  test.for([
    ["/prod/score", "prod", "/score"],
    ["/prod", "prod", "/"],
    ["/production/score", "prod", "/production/score"],
    ["/score/score", "score", "/score"],
    ["/score", "$default", "/score"],
  ])("%s of stage %s is %s", ([path, stage, expected]) => {
    expect(at(path!, stage!)).toBe(expected);
  });

  test("a REST API's stage of the same name as the path is left alone", () => {
    const context = { ...rest.requestContext, stage: "score", path: "/score/score" };
    expect(read({ ...rest, path: "/score", requestContext: context }).path).toBe("/score");
  });

  test("an HTTP API of payload format 1.0 keeps its stage in the path", () => {
    const context = { ...rest.requestContext, stage: "prod", path: "/prod/score" };
    expect(read({ ...rest, version: "1.0", path: "/prod/score", requestContext: context }).path).toBe("/score");
  });
});

describe("bodies", () => {
  const withBody = (body: string, isBase64Encoded: boolean) => read({ ...functionUrl, body, isBase64Encoded }).body;

  test("base64 becomes bytes", () => {
    const bytes = Buffer.from([0, 255, 128, 10]);
    expect(withBody(bytes.toString("base64"), true)).toEqual(bytes);
  });

  test.for(["abc", "eyJkYXRhIjogWzEsIDJdfQ=", "eyJ*YXRh", "eyJkYX Ra", "===="])("%j is not whole base64", (body) => {
    const { problem } = read({ ...functionUrl, body, isBase64Encoded: true });
    expect(problem?.message).toContain("not complete base64");
  });

  test("what the headers say of the length is corrected", () => {
    const headers = { "content-length": "900", "transfer-encoding": "chunked" };
    const request = read({ ...functionUrl, headers, body: "four" });
    expect(request.headers).toEqual({ "content-length": "4" });
  });
});

describe("text that HTTP does not carry as it is", () => {
  const headersOf = (headers: object, more: object = {}) =>
    read({ ...functionUrl, cookies: [], headers, body: "", ...more });

  test("becomes the bytes that node:http would have read", () => {
    const { headers } = headersOf({ "X-Name": " é ", "x-half": "\ud800" }, { cookies: ["a=ü"] });
    expect(headers).toEqual({ "x-name": "Ã©", "x-half": "ï¿½", cookie: "a=Ã¼" });
  });

  test("is left out where it is no text, and joined where it is a list", () => {
    const { headers, problem } = headersOf({ a: 1, b: null, c: ["x", 2, ["no"], null], d: {}, e: true });
    expect(headers).toEqual({ a: "1", c: "x,2", e: "true" });
    expect(problem).toBeUndefined();
  });

  test("names that objects inherit are names like others", () => {
    const headers = JSON.parse('{"constructor": "1", "toString": "2", "__proto__": "3"}');
    expect(Object.entries(headersOf(headers).headers)).toEqual([
      ["constructor", "1"],
      ["tostring", "2"],
    ]);
  });

  test.for([{ "a b": "1" }, { "": "1" }, { é: "1" }, { a: "x\ny" }, { a: "\u0000" }, { a: "\u007f" }])(
    "%j is no header of HTTP",
    (headers) => {
      expect(headersOf(headers).problem?.code).toBe("ERR_BAD_REQUEST");
    },
  );

  test("is escaped in paths and queries", () => {
    const { path, query } = headersOf({}, { rawPath: "/a b?c#d\ud800é", rawQueryString: "q=a b#é" });
    expect(path).toBe("/a%20b%3Fc%23d%EF%BF%BD%C3%A9");
    expect(query).toBe("q=a%20b%23%C3%A9");
    const many = { multiValueQueryStringParameters: { "\ud800": ["\udfff", null, 1] } };
    expect(read({ ...rest, ...many }).query).toBe("%EF%BF%BD=%EF%BF%BD&%EF%BF%BD=&%EF%BF%BD=1");
  });

  test("members of another kind than they should be do no harm", () => {
    const event = { headers: "x", cookies: "a=1", rawQueryString: null, requestContext: { http: { method: "GET" } } };
    expect(read({ version: "2.0", rawPath: "", ...event })).toMatchObject({ path: "/", query: "", headers: {} });
    expect(read({ ...functionUrl, body: { data: [1] } }).problem?.code).toBe("ERR_BAD_REQUEST");
  });
});
