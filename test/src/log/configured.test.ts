import { describe, expect, test } from "vitest";
import type { LogLevel } from "../../../src/config/config.ts";
import type { Log } from "../../../src/core/log.ts";
import { createConfiguredLog } from "../../../src/log/configured.ts";
import { forWorker, readDictConfig } from "../../../src/log/dict-config.ts";

const FORMATTERS = { plain: { format: "%(levelname).1s %(name)s %(message)s" } };
const HANDLERS = {
  out: { class: "logging.StreamHandler", stream: "ext://sys.stdout", formatter: "plain" },
  err: { class: "logging.StreamHandler", formatter: "plain", level: "WARNING" },
  file: { class: "logging.FileHandler", filename: "all.log", formatter: "plain" },
};
const BASE = { version: 1, formatters: FORMATTERS, handlers: HANDLERS };

interface SetUp {
  readonly log: Log;
  readonly ignored: readonly string[];
  /** What was written where since the last call; built-in records without their time. */
  readonly written: () => Readonly<Record<string, string>>;
}

function setUp(config: object, threshold: LogLevel = "INFO"): SetUp {
  let written: Record<string, string> = {};
  const into = (name: string) => (text: string) => {
    written[name] = (written[name] ?? "") + text.replace(/^\d{4}-\S+ \S+ /, "");
  };
  const outputs = {
    stdout: into("stdout"),
    stderr: into("stderr"),
    file: ({ path, truncate }: { path: string; truncate: boolean }) => into(`${path}${truncate ? " anew" : ""}`),
  };
  const { log, ignored } = createConfiguredLog(readDictConfig(config), { threshold, outputs, file: null, pid: 7 });
  const take = () => {
    const taken = written;
    written = {};
    return taken;
  };
  return { log, ignored, written: take };
}

describe("loggers (LOG-8)", () => {
  test("write in the new format, to the handlers they name", () => {
    const { log, written } = setUp({ ...BASE, loggers: { azmlinfsrv: { handlers: ["out", "err", "file"] } } });
    log.server.info("a");
    expect(written()).toEqual({ stdout: "I azmlinfsrv a\n", "all.log": "I azmlinfsrv a\n" });
    log.script.error("b");
    const record = "E azmlinfsrv.user_script b\n";
    expect(written()).toEqual({ stdout: record, stderr: record, "all.log": record });
  });

  test("have the level they name, else that of the nearest above", () => {
    const { log, written } = setUp({
      ...BASE,
      loggers: {
        azmlinfsrv: { handlers: ["out"], level: "WARNING" },
        "azmlinfsrv.swagger": { level: 10 },
        "azmlinfsrv.print": { level: "NOTSET" },
      },
    });
    for (const logger of [log.server, log.swagger, log.print]) logger.info("i");
    log.swagger.debug("d");
    log.server.warning("w");
    expect(written()).toEqual({ stdout: "I azmlinfsrv.swagger i\nD azmlinfsrv.swagger d\nW azmlinfsrv w\n" });
  });

  test("keep the server's level when they name none", () => {
    const { log, written } = setUp({ ...BASE, loggers: { azmlinfsrv: { handlers: ["out"] } } }, "ERROR");
    log.server.warning("w");
    expect(written()).toEqual({});
  });

  test("hand on to those above, unless they are the server's own or say otherwise", () => {
    const root = { handlers: ["out"], level: "INFO" };
    const kept = setUp({ ...BASE, root, loggers: { azmlinfsrv: { handlers: ["file"] } } });
    kept.log.server.info("m");
    expect(kept.written()).toEqual({ "all.log": "I azmlinfsrv m\n" });

    const loggers = {
      azmlinfsrv: { handlers: ["file"], propagate: true },
      "azmlinfsrv.print": { handlers: ["out"], propagate: false },
    };
    const handedOn = setUp({ ...BASE, root, loggers });
    handedOn.log.server.info("m");
    expect(handedOn.written()).toEqual({ "all.log": "I azmlinfsrv m\n", stdout: "I azmlinfsrv m\n" });
    handedOn.log.print.info("p");
    expect(handedOn.written()).toEqual({ stdout: "I azmlinfsrv.print p\n" });
  });

  test("fall silent when they are not named, but not those below", () => {
    const { log, written } = setUp(BASE);
    log.server.critical("c");
    log.access.info("a");
    log.script.info("s");
    expect(written()).toEqual({ stdout: "I [7] azmlinfsrv.user_script - s\n" });
  });

  test("stay as they are when they are not named and existing ones are not disabled", () => {
    const { log, written } = setUp({ ...BASE, disable_existing_loggers: false });
    log.server.info("s");
    log.server.debug("not shown");
    log.access.info("a");
    expect(written()).toEqual({ stdout: "I [7] azmlinfsrv - s\nI [7] gunicorn.access - a\n" });
  });

  test("start afresh when one above them is named", () => {
    const { log, written } = setUp({ ...BASE, loggers: { gunicorn: { handlers: ["out"], level: "INFO" } } });
    log.access.info("a");
    expect(written()).toEqual({ stdout: "I gunicorn.access a\n" });
  });

  test("change levels alone in an incremental configuration", () => {
    const { log, written } = setUp({ version: 1, incremental: true, loggers: { azmlinfsrv: { level: "ERROR" } } });
    log.server.warning("w");
    log.server.error("e");
    log.access.info("a");
    expect(written()).toEqual({ stdout: "E [7] azmlinfsrv - e\nI [7] gunicorn.access - a\n" });
  });

  test("without any handler write warnings bare to stderr", () => {
    const { log, written } = setUp({ version: 1, loggers: { azmlinfsrv: { handlers: null, level: null } } });
    log.server.info("i");
    log.server.warning("w");
    expect(written()).toEqual({ stderr: "w\n" });
  });

  test("leave bare lines on stdout", () => {
    const { log, written } = setUp(BASE);
    log.line("Initializing logger");
    expect(written()).toEqual({ stdout: "Initializing logger\n" });
  });
});

describe("filters", () => {
  const FILTERS = {
    RootAccessFilter: { "()": "azureml_inference_server_http.log_config.RootAccessFilter" },
    prints: { name: "azmlinfsrv.print" },
  };

  test("of a logger look at its own records alone; RootAccessFilter stops those of probes (LOG-7)", () => {
    const { log, written } = setUp({
      ...BASE,
      filters: FILTERS,
      loggers: { azmlinfsrv: { handlers: ["out"], filters: ["RootAccessFilter"] } },
    });
    for (const logger of [log.server, log.script]) logger.info('"GET / HTTP/1.1" 200');
    log.server.info("other");
    expect(written()).toEqual({ stdout: 'I azmlinfsrv.user_script "GET / HTTP/1.1" 200\nI azmlinfsrv other\n' });
  });

  test("of a handler look at all it gets; one by name passes a logger and those below", () => {
    const out = { ...HANDLERS.out, filters: ["prints"] };
    const { log, written } = setUp({
      ...BASE,
      filters: FILTERS,
      handlers: { out },
      loggers: { azmlinfsrv: { handlers: ["out"] } },
    });
    for (const logger of [log.server, log.print]) logger.info("m");
    expect(written()).toEqual({ stdout: "I azmlinfsrv.print m\n" });
  });
});

describe("handlers", () => {
  test("without a formatter write the message alone; the class of the server has no format either", () => {
    const aml = { class: "azureml_inference_server_http.log_config.AMLLogFormatter" };
    const stdout = { class: "logging.StreamHandler", stream: "ext://sys.stdout" };
    for (const config of [
      { version: 1, handlers: { h: stdout } },
      { version: 1, formatters: { aml }, handlers: { h: { ...stdout, formatter: "aml" } } },
    ]) {
      const { log, written } = setUp({ ...config, loggers: { azmlinfsrv: { handlers: ["h"] } } });
      log.server.info("m");
      expect(written()).toEqual({ stdout: "m\n" });
    }
  });

  test("with that class called without a format write in the built-in one (LOG-7)", () => {
    const { log, written } = setUp({
      ...BASE,
      formatters: { plain: { "()": "azureml_inference_server_http.log_config.AMLLogFormatter" } },
      loggers: { azmlinfsrv: { handlers: ["out"] } },
    });
    log.server.info("m");
    expect(written()).toEqual({ stdout: "I [7] azmlinfsrv - m\n" });
  });

  test("of files begin anew in mode w; a worker goes on where the server has begun", () => {
    const handlers = { file: { ...HANDLERS.file, mode: "w" }, other: { class: "my.Handler", mode: "w" } };
    const config = { ...BASE, handlers, loggers: { azmlinfsrv: { handlers: ["file"] } } };
    const { log, written } = setUp(config);
    log.server.info("m");
    expect(written()).toEqual({ "all.log anew": "I azmlinfsrv m\n" });
    expect(forWorker(config)).toEqual({ ...config, handlers: { ...handlers, file: { ...handlers.file, mode: "a" } } });
  });

  test("of other classes write to stdout, which is said", () => {
    const rotating = { class: "logging.handlers.RotatingFileHandler", filename: "x", formatter: "plain" };
    const { log, written, ignored } = setUp({
      ...BASE,
      handlers: { rotating },
      loggers: { azmlinfsrv: { handlers: ["rotating"] } },
    });
    log.server.info("m");
    expect(written()).toEqual({ stdout: "I azmlinfsrv m\n" });
    expect(ignored).toEqual([
      "class logging.handlers.RotatingFileHandler of handler 'rotating', which writes to stdout instead",
    ]);
  });
});

describe("what has no effect here", () => {
  test("is named once each", () => {
    const { ignored } = setUp({
      version: 1,
      formatters: {
        f: { class: "my.Formatter", format: "%(lineno)d %(message)s", datefmt: "%H" },
        g: { style: "{", format: "{message}" },
      },
      filters: { mine: { "()": "my.Filter" } },
      handlers: {
        one: { class: "logging.StreamHandler", formatter: "f", stream: "ext://sys.stdin", filters: ["mine"] },
        two: { class: "logging.FileHandler", formatter: "g", filename: "x", mode: "x", encoding: "latin-1" },
        none: { class: "logging.NullHandler" },
      },
      loggers: { azmlinfsrv: { handlers: ["one", "two", "none"], filters: ["mine"] } },
    });
    expect(ignored).toEqual([
      "class my.Filter of filter 'mine'",
      "stream ext://sys.stdin of handler 'one', which writes to stderr",
      "class my.Formatter of formatter 'f'",
      "datefmt of formatter 'f'",
      "%(lineno)s of formatter 'f'",
      "mode x of handler 'two', which appends",
      "encoding latin-1 of handler 'two', which writes UTF-8",
      "style { of formatter 'g'",
    ]);
  });

  test("is not named when only loggers of the script use it", () => {
    const handlers = { ...HANDLERS, mine: { class: "my.Handler" } };
    const loggers = { azmlinfsrv: { handlers: ["out"] }, mine: { handlers: ["mine"] } };
    expect(setUp({ ...BASE, handlers, loggers }).ignored).toEqual([]);
  });
});
