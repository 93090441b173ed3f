import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConfigError } from "../../../src/core/errors.ts";
import type { Log } from "../../../src/core/log.ts";
import { openLog, openWorkerLog } from "../../../src/log/open.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";

let folder: string;
let stdout: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-logging-")));
  for (const name of ["root", "script"]) mkdirSync(join(folder, name));
  stdout = "";
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(place: string, content: unknown): string {
  const path = join(folder, place);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

function open(entryScript: string | null = join(folder, "script/score.py")): Log {
  return openLog({ appRoot: join(folder, "root"), entryScript, logLevel: "INFO", logFormat: "text" }, (text) => {
    stdout += text;
  });
}

function marked(mark: string): object {
  return {
    version: 1,
    formatters: { f: { format: `${mark} %(message)s` } },
    handlers: { h: { class: "logging.StreamHandler", stream: "ext://sys.stdout", formatter: "f" } },
    loggers: { azmlinfsrv: { handlers: ["h"], level: "INFO" } },
  };
}

describe("logging.json (LOG-5)", () => {
  test("is looked for in the app root, then beside the entry script", () => {
    const beside = write("script/logging.json", marked("script"));
    const first = open();
    first.server.info("m");
    expect([stdout, first.file?.path]).toEqual(["script m\n", beside]);

    const inRoot = write("root/logging.json", marked("root"));
    const second = open();
    second.server.info("m");
    expect([stdout, second.file?.path]).toEqual(["script m\nroot m\n", inRoot]);
  });

  test("is looked for beside the script that a link leads to, and nowhere else without a script", () => {
    const beside = write("script/logging.json", marked("script"));
    write("script/score.py", "");
    const link = join(folder, "link.py");
    symlinkSync(join(folder, "script/score.py"), link);
    expect(open(link).file?.path).toBe(beside);
    expect(open(null).file).toBeNull();
  });

  test("need not be there; a folder of that name is not it", () => {
    mkdirSync(join(folder, "root/logging.json"));
    const log = open();
    log.server.info("m");
    expect(log.file).toBeNull();
    expect(stdout).toMatch(/^\S+ \S+ I \[\d+\] azmlinfsrv - m\n$/);
  });

  test("is handed to workers", () => {
    write("root/logging.json", marked("root"));
    expect(open().file?.forWorkers).toEqual(marked("root"));
    openWorkerLog(open().file?.forWorkers, "INFO", (text) => {
      stdout += text;
    }).print.info("m");
    expect(stdout).toBe("root m\n");
  });

  test("with parts that are not supported says so in one warning each", () => {
    const config = marked("!") as { formatters: object };
    config.formatters = { f: { format: "! %(message)s", datefmt: "%H" } };
    const path = write("root/logging.json", config);
    open();
    expect(stdout).toBe(`! ${path}: not supported for the server's own records: datefmt of formatter 'f'\n`);
  });
});

describe("a broken logging.json (LOG-6)", () => {
  test.each([
    [
      '{"version": 1,}',
      "it is not JSON: Expecting property name enclosed in double quotes: line 1 column 15 (char 14)",
    ],
    ["", "it is not JSON: Expecting value: line 1 column 1 (char 0)"],
    ["[]", "it is not a JSON object"],
    ['{"version": 2}', "version 2 is not 1"],
  ])("%s", (content, reason) => {
    const path = write("root/logging.json", content);
    expect(open).toThrow(new ConfigError("ERR_CONFIG", `Invalid config file!: ${path}: ${reason}`));
  });

  test("names the handler whose file cannot be opened", () => {
    const path = write("root/logging.json", {
      version: 1,
      handlers: { h: { class: "logging.FileHandler", filename: join(folder, "none/x.log") } },
    });
    expect(open).toThrow(`Invalid config file!: ${path}: handler 'h' cannot be opened: ENOENT`);
  });
});

describe("a file handler", () => {
  test.each([
    ["a", "old\n"],
    ["w", ""],
  ])("of mode %s", async (mode, before) => {
    const filename = write("x.log", "old\n");
    write("root/logging.json", {
      version: 1,
      handlers: { h: { class: "logging.FileHandler", filename, mode } },
      loggers: { azmlinfsrv: { handlers: ["h"], level: "INFO" } },
    });
    const log = open();
    log.server.info("one");
    openWorkerLog(log.file?.forWorkers, "INFO", () => {}).server.info("two");
    log.server.info("three");
    await vi.waitFor(() => expect(readFileSync(filename, "utf8")).toMatch(/two/), { timeout: DEADLINE_MS });
    expect(readFileSync(filename, "utf8")).toBe(`${before}one\nthree\ntwo\n`);
    expect(stdout).toBe("");
  });
});
