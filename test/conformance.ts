// What every host of scorefn answers, by the ids of the contract. A host adds a driver, which carries requests to it and
// answers back in the form of the wire, and says what it cannot carry; the cases are the same for all.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../src/core/package-root.ts";
import type { HeaderList } from "../src/core/types.ts";
import type { CreateRuntime } from "../src/host.ts";
import { PyFloat, type PyValue, readPythonJson } from "../src/json/python-json.ts";
import {
  createGate,
  headerOf,
  type Language,
  placeOf,
  SCRIPTS,
  scriptFile,
  temporaryFolder,
  until,
} from "./setup/service.ts";

export interface WireRequest {
  /** Default: POST with a body, else GET. */
  readonly method?: string;
  /** Path and query as they stand in the request line. */
  readonly target: string;
  readonly headers?: HeaderList;
  readonly body?: string | Uint8Array;
  /** Called with each piece of the answer's body as it arrives. */
  readonly onChunk?: (chunk: Uint8Array) => void;
}

export interface WireResponse {
  readonly status: number;
  /** As received: names in their spelling, a repeated header once for each time. */
  readonly headers: HeaderList;
  readonly body: Buffer;
  /** False when the body was cut off. */
  readonly complete: boolean;
}

/** One host that serves one score script. */
export interface Driver {
  send(request: WireRequest): Promise<WireResponse>;
  /** What the server has logged so far. */
  logged(): string;
  close(): Promise<void>;
}

/** @param script file below SCRIPTS   @param env settings; a script that cannot be served is no error here: its requests are
 *  answered 503 */
export type CreateDriver = (
  script: string,
  env: Readonly<Record<string, string>>,
  /** Takes the place of the runtime that the settings ask for. */
  createRuntime?: CreateRuntime,
) => Promise<Driver>;

export interface Host {
  readonly language: Language;
  readonly createDriver: CreateDriver;
  /** Chunks of a streamed answer arrive one by one. */
  readonly streams: boolean;
  /** A client can tell a streamed answer that was cut off. Default: where it streams. */
  readonly cutsOff?: boolean;
  /** Requests for paths that nothing serves arrive; otherwise a front door answers them its own way. Default: true. */
  readonly unknownPaths?: boolean;
  /** Any request target arrives as it was sent, and any method; otherwise only tidy paths, GET and POST. */
  readonly anyTarget: boolean;
  /** Header names keep their spelling. */
  readonly exactNames: boolean;
  /** A header or a query value that comes twice arrives twice. Default: true. */
  readonly repeats?: boolean;
  /** Bodies of a megabyte pass. Default: true. */
  readonly megabytes?: boolean;
  /** Requests run under ids of the host's own, and what is left of the client's is of a length that passes (contract GW-22). */
  readonly ownIds?: boolean;
  /** One of several front doors of a host that takes the whole suite: only what the door carries can fail for its sake. */
  readonly isFurtherDoor?: boolean;
}

const NOT_FOUND =
  "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.";
const NOT_ALLOWED = "The method is not allowed for the requested URL.";
const SCRIPT_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info.";
const SERVER_FAILED = "An unexpected internal error occurred. Check the logs for more info.";
const NOT_STARTED = "The scoring script could not be started. Check the logs for more info.";

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const MILLISECONDS = /^\d+\.\d{3}$/;

/** `test` for a case that the host can carry; a case that it cannot carry does not exist for it. */
function testWhere(carried: boolean): typeof test {
  const nothing = (): void => {};
  return carried ? test : (Object.assign(nothing, { for: () => nothing }) as unknown as typeof test);
}

/** Runs the whole suite against one host. */
export function describeConformance(name: string, host: Host): void {
  const { language, cutsOff = host.streams, unknownPaths = true, ownIds = false } = host;
  const python = language === "python";
  /** `describe` for what the core decides, whichever way the request came. */
  const describeCore = host.isFurtherDoor === true && process.env.CI !== "true" ? (): void => {} : describe;

  /** The driver for a script, made at its first use and shared by the cases of a `describe`. */
  function serve(script: string, env: Readonly<Record<string, string>> = {}): Driver["send"] & { logged(): string } {
    let driver: Driver;
    beforeAll(async () => {
      driver = await host.createDriver(scriptFile(script, language), env);
    });
    afterAll(() => driver?.close());
    return Object.assign((request: WireRequest) => driver.send(request), { logged: () => driver.logged() });
  }

  describe(name, () => {
    describe("routes", () => {
      const send = serve("echo", { SERVICE_PATH_PREFIX: "/api" });

      test.for(
        (
          [
            ["GET", "/", 200],
            ["HEAD", "/", 200],
            ["POST", "/", 405],
            ["PUT", "/", 405],
            ["OPTIONS", "/", 200],
            ["GET", "/score", 200],
            ["POST", "/score", 200],
            ["HEAD", "/score", 405],
            ["OPTIONS", "/score", 200],
            ["PUT", "/score", 405],
            ["DELETE", "/score", 405],
            ["PATCH", "/score", 405],
            ["TRACE", "/score", 405],
            ["GET", "/swagger.json", 200],
            ["HEAD", "/swagger.json", 200],
            ["POST", "/swagger.json", 405],
            ["OPTIONS", "/swagger.json", 200],
            ["DELETE", "/swagger.json", 405],
          ] as const
        ).filter(([method]) => host.anyTarget || method === "GET" || method === "POST"),
      )("RT-1: %s %s is answered %i", async ([method, target, status]) => {
        const answer = await send({ method, target });
        expect(answer.status).toBe(status);
        if (method === "HEAD") expect(answer.body.length).toBe(0);
      });

      testWhere(host.anyTarget).for(["/", "/swagger.json"])(
        "RT-1: OPTIONS %s says which methods there are",
        async (target) => {
          const answer = await send({ method: "OPTIONS", target });
          expect(headerOf(answer.headers, "Allow")?.split(", ").sort()).toEqual(["GET", "HEAD", "OPTIONS"]);
          expect(headerOf(answer.headers, "Content-Type")).toBe("text/html; charset=utf-8");
          expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBeUndefined();
          expect(answer.body.length).toBe(0);
          expectIds(answer);
        },
      );

      test.for(["/", "/?any=query"])("RT-2, HDR-11: %s tells that the server lives", async (target) => {
        const answer = await send({ target });
        expect(answer.body.toString()).toBe("Healthy");
        expect(headerOf(answer.headers, "Content-Type")).toBe("text/html; charset=utf-8");
        expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBeUndefined();
        expectIds(answer);
      });

      const unknown = ["/nothing", "/score/", "/Score", "/score/x", "/score;x", "/./score", "/scor%65x", "/ready/"]
        .filter((target) => host.anyTarget || !/[;%.]/.test(target))
        .filter((target) => unknownPaths || /^\/(score|ready)\/?$/i.test(target));
      test.for(unknown)("RT-3, RT-7, ERR-3: %s does not exist", async (target) => {
        expectError(await send({ target }), 404, NOT_FOUND);
      });

      testWhere(unknownPaths)("RT-8: the path prefix is for swagger only", async () => {
        expectError(await send({ target: "/api/score" }), 404, NOT_FOUND);
      });

      test.for(
        (
          [
            ["PUT", "/score", "GET, POST, OPTIONS, HEAD"],
            ["POST", "/", "GET, OPTIONS, HEAD"],
            ["POST", "/swagger.json", "GET, OPTIONS, HEAD"],
          ] as const
        ).filter(([method]) => host.anyTarget || method === "POST"),
      )("RT-4, ERR-5: %s %s is not allowed, and what is", async ([method, target, allowed]) => {
        const answer = await send({ method, target });
        expectError(answer, 405, NOT_ALLOWED);
        expect(headerOf(answer.headers, "Allow")).toBe(allowed);
      });

      testWhere(host.anyTarget)("RT-5, ERR-5: HEAD /score is refused with the ids of the request", async () => {
        const answer = await send({ method: "HEAD", target: "/score", headers: [["x-request-id", "A"]] });
        expect(answer.status).toBe(405);
        expect(headerOf(answer.headers, "x-request-id")).toMatch(ownIds ? GUID : /^A$/);
        expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("False");
        expect(answer.body.length).toBe(0);
      });

      testWhere(host.anyTarget)("RT-6: OPTIONS /score does not call the script", async () => {
        const answer = await send({ method: "OPTIONS", target: "/score" });
        expect(answer.status).toBe(200);
        expect(answer.body.length).toBe(0);
        expect(headerOf(answer.headers, "Content-Type")).toBe("text/html; charset=utf-8");
        expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("False");
        expect(headerOf(answer.headers, "x-ms-run-fn-exec-ms")).toBeUndefined();
        expect(headerOf(answer.headers, "Allow")).toBeUndefined();
        expectIds(answer);
      });

      testWhere(host.anyTarget).for(["/%73core", "//score"])("RT-7: %s is /score", async (target) => {
        expect((await send({ target, body: "x" })).body.toString()).toBe('"x"');
      });
    });

    describe("input", () => {
      const send = serve("echo");
      const headers = serve("request_headers");
      /** What run() got. */
      const received = async (request: WireRequest): Promise<unknown> => {
        const answer = await send(request);
        expect(answer.status).toBe(200);
        return JSON.parse(answer.body.toString());
      };

      test.for(
        [
          ["", "{}"],
          ["a=1&b=[1,2]&c=a", '{"a": 1, "b": [1, 2], "c": "a"}'],
          ["d=null&e=&f", '{"d": null, "e": "", "f": ""}'],
          ["g=1e3&h=NaN&i=%22q%22&j=01", '{"g": 1000.0, "h": NaN, "i": "q", "j": "01"}'],
          ["b=+1+&m=+&l=true", '{"b": 1, "m": " ", "l": true}'],
          ["a=1&a=x&a=[2]", '{"a": [1, "x", [2]]}'],
          ["A=1&a=2", '{"A": 1, "a": 2}'],
          ["z=1&10=2&2=3", '{"z": 1, "10": 2, "2": 3}'],
          ["a=1;b=2", '{"a": "1;b=2"}'],
          ["k=%zz&l=%ff", '{"k": "%zz", "l": "%FF"}'],
          ["k=%C3%A9&%E6%97%A5=1", '{"k": "\\u00e9", "\\u65e5": 1}'],
          ["big=123456789012345678901234567890", '{"big": 123456789012345678901234567890}'],
          ["o={%22a%22:1.50}", '{"o": {"a": 1.5}}'],
        ].filter(
          ([query]) =>
            (host.anyTarget || !/%zz|%ff|[[{]|^z=1&10/i.test(query!)) &&
            (host.repeats !== false || query !== "a=1&a=x&a=[2]"),
        ),
      )("IN-1, IN-2, IN-3, IN-5: the query ?%s is handed over as %s", async ([query, text]) => {
        expect(await received({ target: `/score?${query}` })).toBe(text);
      });

      testWhere(host.anyTarget)("IN-4: a body sent with GET is ignored", async () => {
        expect(await received({ method: "GET", target: "/score?a=1", body: "ignored" })).toBe('{"a": 1}');
      });

      test("IN-4: the query of a POST is ignored", async () => {
        expect(await received({ target: "/score?a=1", body: "taken" })).toBe("taken");
      });

      test.for(
        [
          ["text that is not JSON", "not JSON"],
          ["JSON with its blanks", ' {"a" : [1, 2]}\n'],
          ["nothing", ""],
          ["a byte order mark", "\ufeff{}"],
          ["letters beyond ASCII", "é日😀\u0000\u007f"],
          ["a megabyte", "0123456789abcdef".repeat(65_536)],
        ].filter(([, body]) => host.megabytes !== false || body!.length < 1_000_000),
      )("IN-6: a POST of %s is handed over unchanged", async ([, body]) => {
        expect(await received({ method: "POST", target: "/score", body: body! })).toBe(body);
      });

      test.for([
        ["text/plain; charset=utf-16", "é"],
        ["application/json", "{"],
        ["application/x-www-form-urlencoded", "a=1&b=2"],
        ["multipart/form-data; boundary=x", "--x\r\n\r\n\r\n--x--\r\n"],
      ])("IN-6, IN-8: the content type %s changes nothing", async ([type, body]) => {
        expect(await received({ target: "/score", headers: [["Content-Type", type!]], body: body! })).toBe(body);
      });

      test.for([
        ["ff", "byte 0xff in position 0: invalid start byte"],
        ["6180", "byte 0x80 in position 1: invalid start byte"],
        ["c0af", "byte 0xc0 in position 0: invalid start byte"],
        ["f5808080", "byte 0xf5 in position 0: invalid start byte"],
        ["616263e228a1", "byte 0xe2 in position 3: invalid continuation byte"],
        ["61f0909041", "bytes in position 1-3: invalid continuation byte"],
        ["61c3", "byte 0xc3 in position 1: unexpected end of data"],
        ["6161e697", "bytes in position 2-3: unexpected end of data"],
        ["eda080", "byte 0xed in position 0: invalid continuation byte"],
      ])("IN-7, ERR-1: a body of the bytes %s is refused with Python's reason", async ([hex, reason]) => {
        const answer = await send({ target: "/score", body: Buffer.from(hex!, "hex") });
        expectError(answer, 400, `Input cannot be decoded as UTF-8: 'utf-8' codec can't decode ${reason}`);
        expectIds(answer);
        expect(headerOf(answer.headers, "x-ms-run-fn-exec-ms")).toBeUndefined();
      });

      testWhere(!(host.repeats === false))("SIG-2, IN-21: run() sees the headers when it asks for them", async () => {
        const answer = await headers({
          target: "/score",
          headers: [
            ["X-Foo-bar", "1"],
            ["content-MD5", "abc"],
            ["x-twice", "a"],
            ["x-twice", "b"],
            ["with_underscore", "x"],
          ],
          body: "{}",
        });
        const seen = JSON.parse(answer.body.toString()) as Record<string, string>;
        const expected = python
          ? { "X-Foo-Bar": "1", "Content-Md5": "abc", "X-Twice": "a,b" }
          : { "x-foo-bar": "1", "content-md5": "abc", "x-twice": "a,b" };
        expect(seen).toMatchObject(expected);
        expect(
          Object.keys(seen)
            .map((key) => key.toLowerCase())
            .includes("x-request-id"),
        ).toBe(ownIds);
        if (python) expect(Object.keys(seen).filter((key) => key.includes("_"))).toEqual([]);
      });
    });

    describe("results", () => {
      const send = serve("results", { SCOREFN_ERROR_DETAIL: "none" });

      test.for([
        ["object", '{"a": 1}'],
        ["nothing", "{}"],
        ["text", '"hello"'],
        ["json text", '"{\\"a\\":1}"'],
        ["integer", "3"],
        ["big integer", "1180591620717411303424"],
        ["float", "0.1"],
        ["boolean", "true"],
        ["list", '[1, "a", null]'],
        ["not a number", "NaN"],
        ["infinities", "[Infinity, -Infinity]"],
        ["unicode", '{"\\u00e9": "\\u65e5", "astral": "\\ud83d\\ude00"}'],
        ["controls", '"\\"\\\\/\\n\\r\\t\\b\\f\\u0000\\u001f\\u007f"'],
        ["empty", '[[], {}, ""]'],
        ["integer keys", '{"2": "b", "10": "c"}'],
        ...only(python, [
          ["whole float", "1.0"],
          ["large float", "1e+16"],
          ["small float", "1e-05"],
          ["tuple", "[1, 2]"],
          ["flask tuple", '["x", 201]'],
          ["odd keys", '{"1": "e", "null": "c", "2.5": "d"}'],
        ]),
        ...only(!python, [["promise", '{"later": true}']]),
      ])("OUT-1, JSON-1 to JSON-7: %s is rendered as %s", async ([body, text]) => {
        const answer = await send({ target: "/score", body: body! });
        expect(answer.status).toBe(200);
        expect(headerOf(answer.headers, "Content-Type")).toBe("application/json");
        expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("False");
        if (python) expect(answer.body.toString()).toBe(text);
        else expect(parsed(answer.body.toString())).toEqual(parsed(text!));
      });

      test("OUT-4, HDR-10: run()'s time is told with three decimals", async () => {
        const { headers } = await send({ target: "/score", body: "object" });
        expect(headerOf(headers, "x-ms-run-fn-exec-ms")).toMatch(MILLISECONDS);
      });

      test.for([
        ["function", /function|builtin/],
        ["cycle", /[Cc]ircular|cycl|deep|nest/],
        ["deep", /recursion|deep|nest/],
        ...only(python, [
          ["bytes", /bytes/],
          ["set", /set/],
          ["datetime", /datetime/],
          ["tuple key", /tuple/],
          ["nested bytes", /bytes.*\['rows'\]\[1\]/],
        ]),
      ] as [string, RegExp][])("OUT-7, ERR-8, ERR-12: %s is not JSON, and the log says why", async ([body, reason]) => {
        const from = send.logged().length;
        const answer = await send({ target: "/score", body });
        expectError(answer, 500, SERVER_FAILED, "True");
        expect(headerOf(answer.headers, "x-ms-run-fn-exec-ms")).toBeUndefined();
        const log = send.logged().slice(from);
        expect(log).toContain(" E [");
        expect(log).toContain("Encountered Exception: ");
        expect(log).toMatch(reason);
        expect((await send({ target: "/score", body: "integer" })).body.toString()).toBe("3");
      });
    });

    describe("streamed results", () => {
      const send = serve("streams", { SCOREFN_ERROR_DETAIL: "none" });

      test.for([
        ["text", "text/plain; charset=utf-8", "onetwo"],
        ["bytes", "application/octet-stream", "\x00\x01\xff"],
        ["objects", "application/x-ndjson", python ? '{"n": 1}\n[2, null]\n' : '{"n":1}\n[2,null]\n'],
        ["empty", "text/plain; charset=utf-8", ""],
      ])("a generator of %s is sent as %s", async ([body, type, text]) => {
        const answer = await send({ target: "/score", body: body! });
        expect(answer.status).toBe(200);
        expect(headerOf(answer.headers, "Content-Type")).toBe(type);
        expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("False");
        expect(headerOf(answer.headers, "x-ms-run-fn-exec-ms")).toMatch(MILLISECONDS);
        expect(answer.body.toString("latin1")).toBe(text);
        expect(answer.complete).toBe(true);
        expectIds(answer);
      });

      testWhere(host.streams)("OUT-6: each item is flushed at once", async () => {
        const folder = await temporaryFolder();
        onTestFinished(folder.remove);
        const gate = createGate(folder, "second");
        let seen = "";
        const answer = await send({
          target: "/score",
          body: `waits ${gate.path}`,
          onChunk(chunk) {
            if (seen === "") void gate.open();
            seen += Buffer.from(chunk).toString();
          },
        });
        expect(answer.complete).toBe(true);
        expect(seen).toBe("firstsecond");
      });

      test("ERR-9: a generator that fails before its first item is an ordinary failure", async () => {
        expectError(await send({ target: "/score", body: "fails" }), 500, SCRIPT_FAILED, "True");
      });

      testWhere(cutsOff)("OUT-6: a generator that fails later cuts the answer off", async () => {
        const answer = await send({ target: "/score", body: "fails later" });
        expect(answer).toMatchObject({ status: 200, complete: false });
        expect(answer.body.toString()).toBe("first");
        expect((await send({ target: "/score", body: "text" })).body.toString()).toBe("onetwo");
      });
    });

    describe("headers", () => {
      const send = serve("echo");
      const silent = serve("echo", { SERVER_VERSION_LOG_RESPONSE_ENABLED: "false" });

      test("HDR-2: the server's version is told, unless that is turned off", async () => {
        expect(headerOf((await send({ target: "/" })).headers, "x-ms-server-version")).toMatch(/^scorefn\/\d/);
        expect(headerOf((await silent({ target: "/" })).headers, "x-ms-server-version")).toBeUndefined();
      });

      const ids = [
        // x-request-id, x-ms-request-id, x-ms-client-request-id: as sent, as answered; G: generated
        ["- - -", "G G -"],
        ["A - -", "A A -"],
        ["- B -", "G B B"],
        ["- - C", "G C C"],
        ["A B -", "A B B"],
        ["A - C", "A C C"],
        ["- B C", "G B C"],
        ["A B C", "A B C"],
      ];
      test.for(ids.map(([given, answered]) => [given, ownIds ? answered?.replaceAll("A", "G") : answered]))(
        "HDR-3 to HDR-6: the ids %s are answered with %s",
        async ([given, answered]) => {
          const answer = await send({ target: "/score", headers: idHeaders(given!), body: "{}" });
          const values = ID_NAMES.map((id) => headerOf(answer.headers, id));
          const generated = values.find((value) => value !== undefined && GUID.test(value));
          expect(values.map((value) => (value === undefined ? "-" : value === generated ? "G" : value)).join(" ")).toBe(
            answered,
          );
        },
      );

      testWhere(host.anyTarget && !ownIds)("HDR-6: an empty x-request-id counts as given", async () => {
        const { headers } = await send({ target: "/", headers: [["x-request-id", ""]] });
        for (const id of ID_NAMES) expect(headerOf(headers, id)).toBeUndefined();
      });

      testWhere(host.anyTarget)("HDR-6: empty x-ms ids count as absent", async () => {
        const sent: HeaderList = [
          ["x-ms-request-id", ""],
          ["x-ms-client-request-id", ""],
        ];
        const { headers } = await send({ target: "/", headers: sent });
        expect(headerOf(headers, "x-request-id")).toMatch(GUID);
        expect(headerOf(headers, "x-ms-request-id")).toBe(headerOf(headers, "x-request-id"));
        expect(headerOf(headers, "x-ms-client-request-id")).toBeUndefined();
      });

      testWhere(host.repeats !== false && !ownIds)(
        "HDR-6: repeated ids are joined, outer blanks are trimmed",
        async () => {
          const sent: HeaderList = [
            ["x-request-id", " one "],
            ["x-request-id", "two"],
          ];
          expect(headerOf((await send({ target: "/", headers: sent })).headers, "x-request-id")).toBe("one,two");
        },
      );

      testWhere(!ownIds).for(["/", "/score", "/swagger.json"])(
        "HDR-7, RT-11, ERR-7: GET %s with a long x-request-id is refused",
        async (target) => {
          const answer = await send({ target, headers: idHeaders(`${"a".repeat(101)} B C`) });
          expectError(answer, 431, "x-request-id must not exceed 100 characters");
          for (const id of ID_NAMES) expect(headerOf(answer.headers, id)).toBeUndefined();
          expect(headerOf(answer.headers, "x-ms-server-version")).toBeDefined();
        },
      );

      testWhere(!ownIds).for([`A ${"b".repeat(101)} -`, `A - ${"c".repeat(101)}`])(
        "HDR-7, ERR-7: a long x-ms id is refused",
        async (given) => {
          const from = send.logged().length;
          const answer = await send({ target: "/score", headers: [...idHeaders(given), ["TraceId", "T"]] });
          expectError(answer, 431, "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters");
          expect(ID_NAMES.map((id) => headerOf(answer.headers, id))).toEqual(["A", undefined, undefined]);
          expect(headerOf(answer.headers, "TraceId")).toBe("T");
          expect(send.logged().slice(from)).not.toContain("azmlinfsrv - GET /score");
        },
      );

      test("HDR-7: an id of 100 characters passes", async () => {
        const id = "a".repeat(100);
        const answer = await send({ target: "/score", headers: idHeaders(`${id} ${id} ${id}`) });
        expect(answer.status).toBe(200);
        expect(headerOf(answer.headers, "x-ms-request-id")).toBe(id);
      });

      testWhere(unknownPaths)("RT-11: an unknown path is 404 whatever its ids", async () => {
        const answer = await send({ target: "/nothing", headers: idHeaders(`${"a".repeat(101)} - -`) });
        expectError(answer, 404, NOT_FOUND);
      });

      test("HDR-8: the deprecated x-ms-request-id is warned of", async () => {
        const warning = "azmlinfsrv - x-ms-request-id header has been deprecated";
        const from = send.logged().length;
        await send({ target: "/", headers: idHeaders("A - C") });
        expect(send.logged().slice(from)).not.toContain(warning);
        await send({ target: "/", headers: idHeaders("- B -") });
        // A record of another thread may come after the answer.
        await until(() => send.logged().slice(from).includes(warning), "the log has the warning");
      });

      test("HDR-9: TraceId is echoed, trace-id is not", async () => {
        const { headers } = await send({ target: "/score", headers: [["traceid", "T"]], body: "{}" });
        expect(headerOf(headers, "TraceId")).toBe("T");
        const other = await send({ target: "/score", headers: [["trace-id", "T"]], body: "{}" });
        expect(headerOf(other.headers, "TraceId")).toBeUndefined();
      });

      testWhere(host.anyTarget)("HDR-9: an empty TraceId is echoed too", async () => {
        expect(headerOf((await send({ target: "/", headers: [["TraceId", ""]] })).headers, "TraceId")).toBe("");
      });

      testWhere(host.exactNames)("HDR-2 to HDR-11: names are spelled as the reference server spells them", async () => {
        const { headers } = await send({ target: "/score", headers: [["traceid", "T"]], body: "{}" });
        const names = headers.map(([header]) => header);
        const own = [
          "x-ms-run-fn-exec-ms",
          "x-ms-run-function-failed",
          "x-ms-server-version",
          "Content-Type",
          "TraceId",
        ];
        expect(names).toEqual(expect.arrayContaining([...own, "x-request-id", "x-ms-request-id"]));
      });

      test("LOG-9: a scored request leaves an access record", async () => {
        const from = send.logged().length;
        await send({ method: "POST", target: "/score?q=1", body: "{}" });
        expect(send.logged().slice(from)).toMatch(/ I \[\d+\] azmlinfsrv - POST \/score\?q=1 200 \d+\.\d{3}ms 4\n/);
      });
    });

    describeCore("failures of run()", () => {
      const none = serve("raises", { SCOREFN_ERROR_DETAIL: "none" });
      const location = serve("raises", { SCOREFN_ERROR_DETAIL: "location" });
      const full = serve("raises", { SCOREFN_ERROR_DETAIL: "full" });

      test.for([
        [{ target: "/swagger.json?version=9" }, 404, "ERR_NOT_FOUND"],
        [{ target: "/", method: "POST" }, 405, "ERR_METHOD"],
        [{ target: "/score", headers: [["x-ms-request-id", "x".repeat(101)]] }, 431, "ERR_HEADER_LIMIT"],
        [{ target: "/score", body: "x" }, 500, "ERR_SCRIPT_RUN"],
      ] as const)("%j: the answer %i carries its code, whatever the detail", async ([request, status, code]) => {
        for (const send of [none, full]) {
          const answer = await send(request);
          expect(answer.status).toBe(status);
          expect(headerOf(answer.headers, "x-ms-error-code")).toBe(code);
        }
        expect(headerOf((await none({ target: "/" })).headers, "x-ms-error-code")).toBeUndefined();
      });
      const results = serve("results", { SCOREFN_ERROR_DETAIL: "location" });
      const error = python
        ? {
            type: "KeyError",
            message: "'price'",
            location: { ...placeOf("raises.py", "table[name]"), function: "look_up" },
          }
        : {
            type: "TypeError",
            message: "Cannot read properties of undefined (reading 'label')",
            location: { ...placeOf("raises.ts", "label.text;"), function: "look" },
          };

      test("ERR-9, ERR-11: detail none is the reference server's answer, byte for byte", async () => {
        const answer = await none({ target: "/score", body: "price" });
        expectError(answer, 500, SCRIPT_FAILED, "True");
        expect(headerOf(answer.headers, "x-ms-run-fn-exec-ms")).toBeUndefined();
        expectIds(answer);
      });

      test("ERR-11: detail location says what failed where", async () => {
        const answer = await location({ target: "/score", body: "price" });
        expect(answer.status).toBe(500);
        expect(JSON.parse(answer.body.toString())).toEqual({
          message: SCRIPT_FAILED,
          error: { ...error, code: "ERR_SCRIPT_RUN", requestId: headerOf(answer.headers, "x-request-id") },
        });
      });

      test("ERR-11: detail full adds the traceback", async () => {
        const answer = await full({ target: "/score", body: "price" });
        const body = JSON.parse(answer.body.toString());
        expect(body).toMatchObject({ message: SCRIPT_FAILED, error });
        expect(body.error.traceback).toContain(scriptFile("raises", language));
        expect(body.error.traceback).toContain(error.message);
      });

      test("ERR-12: the log has the whole story, whatever the client is told", async () => {
        const from = none.logged().length;
        await none({ target: "/score", body: "price" });
        const log = none.logged().slice(from);
        expect(log).toMatch(/ E \[\d+\] azmlinfsrv - Encountered Exception: /);
        expect(log).toContain(error.message);
        expect(log).toContain(`${scriptFile("raises", language)}`);
        if (python)
          expect(log).toContain("UserScriptException: Caught an unhandled exception from the user script\n\n");
      });

      test("TMO-3: a script's own TimeoutError is a failure like any other", async () => {
        expectError(await none({ target: "/score", body: "time out" }), 500, SCRIPT_FAILED, "True");
      });

      test("ERR-8, ERR-11: a result that is not JSON is located, too", async () => {
        const answer = await results({ target: "/score", body: "function" });
        const body = JSON.parse(answer.body.toString());
        expect(body).toMatchObject({ message: SERVER_FAILED, error: { type: expect.any(String) } });
        expect(body.error.message).toMatch(/function|builtin/);
      });
    });

    describeCore("a script that cannot be served", () => {
      const none = serve("broken/init_throws", { SCOREFN_ERROR_DETAIL: "none" });
      const location = serve("broken/init_throws", { SCOREFN_ERROR_DETAIL: "location" });

      test("ERR-11: POST /score is answered 503", async () => {
        expectError(await none({ target: "/score", body: "{}" }), 503, NOT_STARTED, "True");
      });

      test("ERR-11: where it failed is told as the setting has it", async () => {
        const file = scriptFile("broken/init_throws", language);
        const body = JSON.parse((await location({ target: "/score", body: "{}" })).body.toString());
        expect(body).toMatchObject({
          message: NOT_STARTED,
          error: { location: placeOf(file, python ? "raise ValueError" : "new RangeError") },
        });
        expect(body.error).toMatchObject({ type: python ? "ValueError" : "RangeError", message: "no model" });
      });

      test("RT-10: the server lives all the same, and is not ready", async () => {
        expect((await none({ target: "/" })).body.toString()).toBe("Healthy");
        const ready = await none({ target: "/ready" });
        expect(ready.status).toBe(503);
        expect(JSON.parse(ready.body.toString())).toEqual({ state: "failed" });
      });

      test("its readiness says why, as the setting has it", async () => {
        const { error } = JSON.parse((await location({ target: "/ready" })).body.toString());
        expect(error.location.file).toBe(scriptFile("broken/init_throws", language));
      });
    });

    describeCore("readiness", () => {
      const send = serve("echo", { SCOREFN_READY_PATH: "/health/ready" });

      test("a script whose init() is done is ready, at the path that was set", async () => {
        const answer = await send({ target: "/health/ready" });
        expect(answer.status).toBe(200);
        expect(answer.body.toString()).toBe('{"state": "ready"}');
        expect(headerOf(answer.headers, "Content-Type")).toBe("application/json");
        if (unknownPaths) expectError(await send({ target: "/ready" }), 404, NOT_FOUND);
      });
    });

    describeCore("timeouts", () => {
      const short = serve("sleeps", { SCORING_TIMEOUT_MS: "300", SCOREFN_ERROR_DETAIL: "none" });
      const unlimited = serve("sleeps", { SCORING_TIMEOUT_MS: "0" });

      test("TMO-2, ERR-10, ERR-12: run() is stopped at its limit, and the next request is answered", async () => {
        const answer = await short({ target: "/score", body: "60" });
        expectError(answer, 500, "Scoring timeout after 300 ms", "True");
        expect(headerOf(answer.headers, "x-ms-run-fn-exec-ms")).toBeUndefined();
        expect(short.logged()).toMatch(/ E \[\d+\] azmlinfsrv - Encountered Exception: /);
        expect(short.logged()).toContain("Script failed to finish execution within the allocated time: 300ms\n");
        expect((await short({ target: "/score", body: "0" })).status).toBe(200);
      });

      test("TMO-4: 0 is no limit", async () => {
        expect((await unlimited({ target: "/score", body: "0.05" })).status).toBe(200);
      });
    });

    describeCore("swagger", () => {
      const plain = serve("echo");
      const named = serve("echo", {
        SERVICE_NAME: 'A "name" \\ $SERVICE_VERSION$',
        SERVICE_VERSION: "9",
        SERVICE_PATH_PREFIX: "/a/b/",
      });

      const documents = (
        [
          ["", 2198, "4032327f37922c3a931426c67d5408722da9ee50b7934136099fef149016bb29"],
          ["?version=2", 2198, "4032327f37922c3a931426c67d5408722da9ee50b7934136099fef149016bb29"],
          ["?version=2.0", 2198, "4032327f37922c3a931426c67d5408722da9ee50b7934136099fef149016bb29"],
          ["?version=3", 2359, "64838425e806784c4e451ed9a522c95b1662e0f54cd4ba50a2dbf7a8d70f9fb9"],
          ["?version=3.0&version=2", 2359, "64838425e806784c4e451ed9a522c95b1662e0f54cd4ba50a2dbf7a8d70f9fb9"],
          ["?version=3.1", 2359, "a2fe67495cc361363f22ebac4f8b6bc49555dbcb58eaf94eff46f4fb8c89aa85"],
          ["?Version=3", 2198, "4032327f37922c3a931426c67d5408722da9ee50b7934136099fef149016bb29"],
        ] as const
      ).filter(([query]) => host.repeats !== false || query !== "?version=3.0&version=2");
      test.for(documents)(
        "SW-1, SW-2, SW-10, SW-11, SW-13: /swagger.json%s is the reference server's",
        async ([query, length, sha256]) => {
          const answer = await plain({ target: `/swagger.json${query}` });
          expect(answer.status).toBe(200);
          expect(headerOf(answer.headers, "Content-Type")).toBe("application/json");
          expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("False");
          expect(answer.body.length).toBe(length);
          expect(createHash("sha256").update(answer.body).digest("hex")).toBe(sha256);
          expectIds(answer);
        },
      );

      test.for([
        ["4", "4"],
        ["3.1.0", "3.1.0"],
        ["%203", " 3"],
        ["", ""],
      ])("SW-5, ERR-4: version=%s does not exist", async ([query, version]) => {
        const answer = await plain({ target: `/swagger.json?version=${query}` });
        expectError(answer, 404, `Swagger version [${version}] is not valid. Supported versions: [2, 3, 3.1].`);
        expectIds(answer);
      });

      test("SW-9: name, version and prefix are inserted as data", async () => {
        const body = JSON.parse((await named({ target: "/swagger.json" })).body.toString());
        expect(body.info).toMatchObject({ title: 'A "name" \\ $SERVICE_VERSION$', version: "9" });
        expect(Object.keys(body.paths)).toEqual(["/a/b/", "/a/b/score", "/a/b/swagger.json"]);
      });

      test("LOG-9: a swagger request leaves an access record", async () => {
        const from = plain.logged().length;
        await plain({ target: "/swagger.json" });
        expect(plain.logged().slice(from)).toMatch(/ azmlinfsrv - GET \/swagger\.json 200 \d+\.\d{3}ms 2198\n/);
      });
    });

    describeCore("CORS", () => {
      const origin = "https://App.Example";
      const send = serve("raises", { AML_CORS_ORIGINS: "https://app.example, http://.*\\.local" });
      const allowed = ({ headers }: WireResponse) => [
        headerOf(headers, "Access-Control-Allow-Origin"),
        headerOf(headers, "Vary"),
      ];

      test.for([
        [{ target: "/" }, 200],
        [{ target: "/ready" }, 200],
        [{ target: "/swagger.json?version=9" }, 404],
        [{ target: "/score", body: "x" }, 500],
        [{ target: "/score", headers: [["x-ms-request-id", "x".repeat(101)]] }, 431],
      ] as const)("CORS-2, CORS-3: %j is answered %i with its origin", async ([request, status]) => {
        const headers: HeaderList = [...("headers" in request ? request.headers : []), ["Origin", origin]];
        const answer = await send({ ...request, headers });
        expect(answer.status).toBe(status);
        expect(allowed(answer)).toEqual([origin, "Origin"]);
      });

      test("CORS-3, CORS-5: another origin is told nothing, none at all the first plain one", async () => {
        expect(allowed(await send({ target: "/", headers: [["Origin", "https://evil.example"]] }))).toEqual([
          undefined,
          undefined,
        ]);
        expect(allowed(await send({ target: "/", headers: [["Origin", "http://a.local"]] }))[0]).toBe("http://a.local");
        expect(allowed(await send({ target: "/" }))).toEqual(["https://app.example", "Origin"]);
      });

      testWhere(host.anyTarget)("CORS-2: what is not routed is told nothing", async () => {
        for (const request of [{ target: "/nowhere" }, { target: "/", method: "PUT" }]) {
          expect(allowed(await send({ ...request, headers: [["Origin", origin]] }))).toEqual([undefined, undefined]);
        }
      });

      testWhere(host.anyTarget)("CORS-7: a preflight learns methods and headers", async () => {
        const { status, headers } = await send({
          method: "OPTIONS",
          target: "/score",
          headers: [
            ["Origin", origin],
            ["Access-Control-Request-Method", "POST"],
            ["Access-Control-Request-Headers", "x-b, content-type"],
          ],
        });
        expect(status).toBe(200);
        expect(headerOf(headers, "Access-Control-Allow-Methods")).toBe("GET, POST");
        expect(headerOf(headers, "Access-Control-Allow-Headers")).toBe("content-type, x-b");
      });
    });

    describeCore("files of the app root", () => {
      const root = packageFile("test/fixtures/configured");
      const script = join(SCRIPTS, scriptFile("echo", language));
      const send = serve("echo", { AML_APP_ROOT: root, AZUREML_ENTRY_SCRIPT: script });

      test("CFG-1, CFG-6: config.json counts", async () => {
        const { headers, body } = await send({ target: "/swagger.json" });
        expect(JSON.parse(body.toString()).info.title).toBe("from the file");
        expect(headerOf(headers, "Access-Control-Allow-Origin")).toBe("https://file.example");
        expect(send.logged()).toContain("azmlinfsrv - Scoring timeout is set to 12345");
        expect(send.logged()).toContain("azmlinfsrv - Enabling CORS for the following origins: https://file.example");
      });

      test("SW-7: a swagger document of the user's replaces the generated one", async () => {
        expect((await send({ target: "/swagger.json?version=3" })).body.toString()).toBe('{"mine": 1.0}');
        expect(send.logged()).toContain(
          `azmlinfsrv.swagger - Loaded user's swagger file for version [3] from ${join(root, "swagger3.json")}`,
        );
      });
    });
  });
}

/** An error answer as HDR-11, HDR-12 and JSON-1 have it: this message and nothing else. */
function expectError(answer: WireResponse, status: number, message: string, runFailed = "False"): void {
  expect(answer.body.toString()).toBe(`{"message": ${JSON.stringify(message)}}`);
  expect(answer.status).toBe(status);
  expect(headerOf(answer.headers, "Content-Type")).toBe("application/json");
  expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe(runFailed);
}

/** HDR-1: an answer of a known route and method says the server's version and the request's ids. */
function expectIds({ headers }: WireResponse): void {
  expect(headerOf(headers, "x-ms-server-version")).toBeDefined();
  expect(headerOf(headers, "x-request-id")).toMatch(GUID);
  expect(headerOf(headers, "x-ms-request-id")).toBe(headerOf(headers, "x-request-id"));
}

const ID_NAMES = ["x-request-id", "x-ms-request-id", "x-ms-client-request-id"];

/** `A - C` as headers. */
function idHeaders(values: string): [string, string][] {
  const given = values.split(" ");
  return ID_NAMES.flatMap((id, index): [string, string][] => (given[index] === "-" ? [] : [[id, given[index]!]]));
}

/** JSON by value: how a number is spelled does not matter (contract JSON-7). */
function parsed(text: string): unknown {
  const plain = (value: PyValue): unknown => {
    if (value instanceof PyFloat) return value.value;
    if (Array.isArray(value)) return value.map(plain);
    return value instanceof Map ? new Map([...value].map(([key, item]) => [key, plain(item)])) : value;
  };
  return plain(readPythonJson(text));
}

function only<T>(condition: boolean, cases: T[]): T[] {
  return condition ? cases : [];
}
