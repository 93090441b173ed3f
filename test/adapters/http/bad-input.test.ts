// What clients and score scripts do wrong, against real processes: each gets its answer and its line in the log, and the
// next request is served as if nothing had been.
import { once } from "node:events";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createHttpServer } from "../../../adapters/http/index.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { exchange, openConnection, type RawAnswer } from "../../setup/raw-client.ts";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import {
  createService,
  DEADLINE_MS,
  headerOf,
  isAlive,
  type Language,
  placeOf,
  SCRIPTS,
  type Service,
  scriptFile,
  temporaryFolder,
  until,
} from "../../setup/service.ts";

const MEGABYTE = 1_048_576;
const LANGUAGES: readonly Language[] = ["python", "typescript"];

/** A head with `Connection: close`, so that the end of the answer is the end of the connection. */
function head(line: string, ...headers: string[]): string {
  return [`${line} HTTP/1.1`, "Host: x", "Connection: close", ...headers, "", ""].join("\r\n");
}

function post(...headers: string[]): string {
  return head("POST /score", ...headers);
}

/** A chunk of a request body; an empty one ends it. */
function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

function shortHeaders(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `x-${index}: v`);
}

const CHUNKED = "Transfer-Encoding: chunked";
const LONG_HEADER = `x-long: ${"v".repeat(8_190)}`;
const NOT_ALLOWED = /^The method is not allowed/;
const NOT_HTTP = /^The request is not valid HTTP/;
const TOO_LARGE = /^The request body is larger than 1048576 bytes/;

function expectMessage(answer: RawAnswer, status: number, message: RegExp): void {
  expect(answer.status).toBe(status);
  expect(headerOf(answer.headers, "Content-Type")).toBe("application/json");
  expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("False");
  expect(headerOf(answer.headers, "Content-Length")).toBe(String(answer.body.length));
  const body = JSON.parse(answer.body.toString());
  expect(body).toEqual({ message: expect.stringMatching(message) });
}

describe("a client", () => {
  let service: Service;
  let server: ReturnType<typeof createHttpServer>;
  let port: number;

  beforeAll(async () => {
    service = createService("echo.ts", { SCOREFN_MAX_BODY_MB: "1" });
    await service.runtime.start();
    server = createHttpServer(service.scorer, service.config, service.log);
    ({ port } = await server.listen({ host: "127.0.0.1", port: 0 }));
  });
  afterAll(async () => {
    await Promise.all([server.close(0), service.close()]);
  });

  async function expectServed(): Promise<void> {
    const { status, body } = await exchange(port, post("Content-Length: 2"), "ok");
    expect([status, body.toString()]).toEqual([200, '"ok"']);
  }

  type BadRequest = [what: string, status: number, message: RegExp, ...pieces: (string | Uint8Array)[]];

  const answeredByTheCore: BadRequest[] = [
    ["a path that does not exist", 404, /^The requested URL was not found/, head("GET /nothing")],
    ["a method no route takes", 405, NOT_ALLOWED, head("PUT /score")],
    ["a method nobody knows", 405, NOT_ALLOWED, head("BREW /score")],
    ["a method in lower case", 405, NOT_ALLOWED, head("post /score")],
    ["CONNECT", 405, NOT_ALLOWED, head("CONNECT x:1")],
    ["a body that is not UTF-8", 400, /^Input .*: invalid start byte$/, post("Content-Length: 1"), Buffer.of(255)],
  ];
  test.for(answeredByTheCore)("that sends %s is answered %i and why", async ([, status, message, ...pieces]) => {
    expectMessage(await exchange(port, ...pieces), status, message);
    await expectServed();
  });

  const refused: BadRequest[] = [
    ["something that is not HTTP", 400, NOT_HTTP, "hello\r\n\r\n"],
    ["a TLS handshake", 400, NOT_HTTP, Buffer.from("16030100b0010000ac0303", "hex")],
    ["a header without a colon", 400, NOT_HTTP, head("GET /score", "nonsense")],
    ["two lengths", 400, NOT_HTTP, post("Content-Length: 1", "Content-Length: 2"), "ab"],
    ["a length and chunks", 400, NOT_HTTP, post("Content-Length: 1", CHUNKED), chunk("")],
    ["a chunk with a broken size", 400, NOT_HTTP, post(CHUNKED), "2\r\nok\r\nzz\r\n"],
    ["two hosts", 400, NOT_HTTP, head("GET /score", "Host: x")],
    ["no version of HTTP", 400, NOT_HTTP, "GET /score\r\n\r\n"],
    ["version 0.9", 400, NOT_HTTP, "GET /score HTTP/0.9\r\n\r\n"],
    ["version 2.0", 400, NOT_HTTP, "GET /score HTTP/2.0\r\nHost: x\r\n\r\n"],
    ["two blanks before its target", 400, NOT_HTTP, head("GET  /score?a=(1)")],
    ["two blanks behind its target", 400, NOT_HTTP, head("GET /score?a=[1]\\ ")],
    ["chunks in HTTP/1.0", 400, NOT_HTTP, `POST /score HTTP/1.0\r\n${CHUNKED}\r\n\r\n2\r\nok\r\n0\r\n\r\n`],
    ["a length of a petabyte", 413, TOO_LARGE, post("Content-Length: 1000000000000000")],
    ["a chunk longer than it says", 400, NOT_HTTP, post(CHUNKED), "2\r\nlonger\r\n0\r\n\r\n"],
    [
      "a request line above 4094 bytes",
      400,
      /^The request line is longer than 4094/,
      head(`GET /?${"q".repeat(4_090)}`),
    ],
    ["a header above 8190 bytes", 431, /^The request header x-long is longer than 8190/, head("GET /", LONG_HEADER)],
    ["more than 100 headers", 431, /^The request has more than 100 headers/, head("GET /", ...shortHeaders(99))],
    ["a head without end", 431, /^The request head is larger/, `GET / HTTP/1.1\r\n${`${LONG_HEADER}\r\n`.repeat(100)}`],
    ["a length above the limit", 413, TOO_LARGE, post(`Content-Length: ${MEGABYTE + 1}`), Buffer.alloc(MEGABYTE + 1)],
    ["chunks above the limit", 413, TOO_LARGE, post(CHUNKED), chunk("a".repeat(MEGABYTE)), chunk("a"), chunk("")],
    ["Expect and a length above it", 413, TOO_LARGE, post("Expect: 100-continue", `Content-Length: ${MEGABYTE + 1}`)],
  ];
  test.for(refused)(
    "PROC-11: that sends %s is answered %i and why, as the log is",
    async ([, status, message, ...pieces]) => {
      const from = service.logged().length;
      const answer = await exchange(port, ...pieces);
      expectMessage(answer, status, message);
      const { message: text } = JSON.parse(answer.body.toString());
      // The second of its kind within a second has to wait for the line that tells of both.
      await until(() => service.logged().slice(from).includes(`refused: ${text}`), "the log has it");
      expect(service.logged().slice(from)).toMatch(/ W \[\d+\] azmlinfsrv - \S+ \S*? ?refused: /);
      await expectServed();
    },
  );

  test("PROC-11: that stays below the limits is served", async () => {
    const headers = [`x-long: ${"v".repeat(8_100)}`, ...shortHeaders(90)];
    const line = `POST /score?${"q".repeat(4_000)}`;
    const { status, body } = await exchange(
      port,
      head(line, ...headers, `Content-Length: ${MEGABYTE}`),
      Buffer.alloc(MEGABYTE, "a"),
    );
    expect(status).toBe(200);
    expect(body.length).toBe(MEGABYTE + 2);
  });

  test("PROC-12: that asks with Expect is told to go on", async () => {
    const socket = await openConnection(port);
    let seen = "";
    socket.on("data", (bytes: Buffer) => {
      seen += bytes.toString();
    });
    socket.write(post("Expect: 100-continue", "Content-Length: 2"));
    await until(() => seen === "HTTP/1.1 100 Continue\r\n\r\n", "the server wants the body");
    socket.write("ok");
    await once(socket, "close");
    expect(seen).toContain("200 OK");
    expect(seen).toMatch(/"ok"$/);
  });

  test("PROC-12: that sends chunks and names no host is served", async () => {
    const request = "POST /score HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect((await exchange(port, request, "1\r\no\r\n", "1\r\nk\r\n0\r\n\r\n")).body.toString()).toBe('"ok"');
  });

  test("PROC-10: of HTTP/1.0 gets its answer whole", async () => {
    const { status, headers, body } = await exchange(port, "POST /score HTTP/1.0\r\nContent-Length: 2\r\n\r\nok");
    expect([status, body.toString()]).toEqual([200, '"ok"']);
    expect(headerOf(headers, "Transfer-Encoding")).toBeUndefined();
  });

  test.for(["Content-Length: 10", "Transfer-Encoding: chunked"])(
    "that leaves in the middle of its body (%s) is forgotten",
    async (framing) => {
      const from = service.logged().length;
      const socket = await openConnection(port);
      socket.write(`${post(framing)}2\r\nok\r\n`, () => socket.destroy());
      await until(
        () =>
          service.logged().slice(from).includes("POST /score refused: The client left in the middle of its request"),
        "the log says that the client left",
      );
      await expectServed();
    },
  );
});

describe.each(LANGUAGES)("the reader of a streamed answer of %s", (language) => {
  let service: Service;
  let server: ReturnType<typeof createHttpServer>;
  let port: number;

  beforeAll(async () => {
    service = createService(scriptFile("streams", language), { SCORING_TIMEOUT_MS: "300" });
    await service.runtime.start();
    server = createHttpServer(service.scorer, { ...service.config, stallMs: 200 }, service.log);
    ({ port } = await server.listen({ host: "127.0.0.1", port: 0 }));
  });
  afterAll(async () => {
    await Promise.all([server.close(0), service.close()]);
  });

  const ask = (body: string): string => post(`Content-Length: ${body.length}`) + body;

  test.for(["endless", "waits /for/ever"])("may leave in the middle (%s); the worker is free again", async (body) => {
    const socket = await openConnection(port);
    socket.write(ask(body));
    await once(socket, "data");
    socket.destroy();
    expect((await exchange(port, ask("text"))).body.toString()).toContain("two");
  });

  test("is cut off when it takes nothing; the worker is free again", async () => {
    const from = service.logged().length;
    const socket = await openConnection(port);
    onTestFinished(() => void socket.destroy());
    socket.pause();
    socket.write(ask("endless"));
    expect((await exchange(port, ask("text"))).body.toString()).toContain("two");
    expect(service.logged().slice(from)).toContain(
      "A streamed answer ended early: the client took nothing of a streamed answer for 200 ms",
    );
  });

  test("may send nonsense behind its request; that does not get into the answer", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const socket = await openConnection(port);
    let seen = "";
    socket.on("data", (bytes: Buffer) => {
      if (seen === "") socket.write("nonsense\r\n\r\n");
      seen += bytes.toString();
    });
    const from = service.logged().length;
    socket.write(ask(`waits ${folder.file("gate")}`).replace("Connection: close", "Connection: keep-alive"));
    await until(() => service.logged().slice(from).includes("refused: The request is not valid HTTP"), "it is seen");
    // Asked for first: the answer may be over before the file's writing is.
    const closed = once(socket, "close");
    await writeFile(folder.file("gate"), "");
    await closed;
    expect(seen).toMatch(/\r\n5\r\nfirst\r\n[0-9a-f]+\r\n[^\r]+\r\n0\r\n\r\n$/);
    expect((await exchange(port, ask("text"))).body.toString()).toContain("two");
  });

  test("OUT-6: sees a body without its end when the script fails, and the log says why", async () => {
    const from = service.logged().length;
    const { status, body } = await exchange(port, ask("fails later"));
    expect([status, body.toString()]).toEqual([200, "5\r\nfirst\r\n"]);
    await until(
      () => /A streamed answer ended early: [\s\S]*in the stream/.test(service.logged().slice(from)),
      "the log has it",
    );
    // LOG-10: what was sent, and not what was to be sent.
    await until(
      () => /gunicorn\.access - .*"POST \/score HTTP\/1\.1" 200 5 /.test(service.logged().slice(from)),
      "the access record has the bytes that were sent",
    );
  });
});

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");

/** @param start what of the command comes before the flags: `scorefn serve`, unless the drop-in command is given */
async function startScript(
  script: string,
  start: readonly string[] = [COMMAND, "serve"],
): Promise<RunningServer & { readonly port: number }> {
  const port = await freePort();
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, AML_APP_ROOT: SCRIPTS };
  const args = [...start, "--entry_script", script, "--host", "127.0.0.1", "--port", String(port)];
  return { ...startServer({ command: process.execPath, args, env, port }), port };
}

describe.each(LANGUAGES)("run() of a %s script", (language) => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startScript(join(SCRIPTS, scriptFile("misbehaves", language)));
    await server.waitReady();
  });
  afterAll(() => server.stop());

  async function post(body: string): Promise<{ status: number; text: string }> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const answer = await fetch(`${server.url}/score`, { method: "POST", body, signal });
    return { status: answer.status, text: await answer.text() };
  }

  const PYTHON: [what: string, status: number, log: RegExp][] = [
    ["leave", 500, /SystemExit: 4/],
    ["interrupt", 500, /KeyboardInterrupt/],
    ["interrupt by signal", 200, /200/],
    ["raise bare", 500, /Bare/],
    ["recurse", 500, /RecursionError/],
    ["fork into the loop", 200, /200/],
  ];
  const TYPESCRIPT: [what: string, status: number, log: RegExp][] = [
    ["throw a string", 500, /just text/],
    ["throw nothing", 500, /undefined/],
    ["throw a hostile object", 500, /Encountered Exception/],
    ["recurse", 500, /RangeError: Maximum call stack size exceeded/],
    ["reject outside the call", 200, /Unhandled rejection in the score script: Error: nobody waits for this/],
  ];

  test.for(language === "python" ? PYTHON : TYPESCRIPT)(
    "OUT-9, ERR-9: may %s; that is answered %i and logged",
    async ([what, status, log]) => {
      const pid = Number((await post("")).text);
      const from = server.stdout().length;
      const answer = await post(what);
      expect(answer.status).toBe(status);
      if (status === 500) {
        expect(JSON.parse(answer.text)).toMatchObject({
          message: "An unexpected error occurred in scoring script. Check the logs for more info.",
        });
      } else expect(Number(answer.text)).toBe(pid);
      await until(() => log.test(server.stdout().slice(from)), `${log} in the log`);
      expect(await post("")).toEqual({ status: 200, text: String(pid) });
    },
  );

  test("LOG-12: may print megabytes; all of it is logged", async () => {
    const from = server.stdout().length;
    const { status } = await post("print megabytes");
    expect(status).toBe(200);
    // Not by lines: what front and worker write beyond a pipe's buffer may mix.
    await until(() => server.stdout().slice(from).replace(/[^m]+/g, "").length >= 4_000_000, "all of it in the log");
    expect((await post("")).status).toBe(200);
  });

  test("may leave a child behind that outlives its worker", async () => {
    const from = server.stdout().length;
    const { text: pid } = await post("fork and leave a child");
    await until(() => /child \d+ outlives/.test(server.stdout().slice(from)), "the child is there");
    const child = Number(/child (\d+) outlives/.exec(server.stdout().slice(from))![1]);
    onTestFinished(() => void process.kill(child));
    process.kill(Number(pid), "SIGKILL");
    await until(() => server.stdout().slice(from).includes("starting another"), "the server notices");
    const next = await post("");
    expect(next.status).toBe(200);
    expect(next.text).not.toBe(pid);
    expect(isAlive(child)).toBe(true);
  });

  test.for(["close stdout", "close every descriptor it knows"])("may %s; requests go on", async (what) => {
    const { text: pid } = await post("");
    const from = server.stdout().length;
    expect(await post(what)).toEqual({ status: 200, text: pid });
    expect(await post("")).toEqual({ status: 200, text: pid });
    expect(await post("print megabytes")).toEqual({ status: 200, text: pid });
    // Node.js has no way to keep a stdout of its own for the records.
    if (language === "python") {
      await until(() => server.stdout().slice(from).includes("m".repeat(100_000)), "prints are logged all the same");
    }
  });
});

describe.each(LANGUAGES)("a %s script that cannot be served", (language) => {
  const python = language === "python";

  /** Starts the server and waits for its end. */
  async function failToStart(script: string, start?: readonly string[]): Promise<RunningServer> {
    const server = await startScript(script, start);
    expect(await server.waitExit()).toBe(3);
    return server;
  }

  const broken = (name: string): string => scriptFile(`broken/${name}`, language);
  const at = (name: string, text: string): string => {
    const { file, line } = placeOf(broken(name), text);
    return `${file}:${line}`;
  };

  const cases: [name: string, stderr: string, stdout: RegExp][] = [
    [
      "syntax_error",
      at("syntax_error", "run("),
      python ? /SyntaxError: '\(' was never closed/ : /ERROR: Expected "\)" but found "{"/,
    ],
    ["import_error", at("import_error", python ? "import" : "import {"), /a.module.that.is.not.there/],
    [
      "exits_at_import",
      python ? at("exits_at_import", "sys.exit(0)") : "exited with code 0",
      python ? /SystemExit: 0/ : /./,
    ],
    [
      "init_throws",
      at("init_throws", python ? "raise" : "new RangeError"),
      /User's init function failed\n[\s\S]*Encountered Exception [\s\S]*no model/,
    ],
    [
      "init_exits",
      python ? at("init_exits", "sys.exit(0)") : "exited with code 0",
      python ? /User's init function failed/ : /./,
    ],
    ...(python ? ([["init_exits_at_once", "exited with code 0", /./]] as [string, string, RegExp][]) : []),
    ["no_run", "does not have a run() function defined", /does not have a run\(\) function defined\./],
  ];

  test.for(cases)(
    "PROC-8, LOAD-9, LOAD-11, INIT-2: (%s) ends the server with code 3 and says where",
    async ([name, stderr, stdout]) => {
      const server = await failToStart(join(SCRIPTS, broken(name)));
      expect(server.stderr()).toContain("the score script cannot be served: ");
      expect(server.stderr()).toContain(stderr);
      expect(server.stdout()).toMatch(stdout);
    },
  );

  // `scorefn serve` looks at the file before it starts anything.
  const dropIn = [packageFile("dist/adapters/cli/azmlinfsrv.js")];

  test("LOAD-9: that is not there is named", async () => {
    const server = await failToStart(scriptFile("/nowhere/score", language), dropIn);
    expect(server.stderr()).toContain(`No such file or directory: '${scriptFile("/nowhere/score", language)}'`);
    expect(server.stdout()).toContain("No such file or directory");
  });

  test("LOAD-9: that is a folder is named", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const path = folder.file(scriptFile("score", language));
    await mkdir(path);
    expect((await failToStart(path, dropIn)).stderr()).toContain(path);
  });

  // Nothing is unreadable to root.
  if (process.getuid?.() !== 0)
    test("LOAD-9: that may not be read is named", async () => {
      const folder = await temporaryFolder();
      onTestFinished(folder.remove);
      const path = folder.file(scriptFile("score", language));
      await writeFile(path, "");
      await chmod(path, 0);
      expect((await failToStart(path, dropIn)).stderr()).toContain(path);
    });
});
