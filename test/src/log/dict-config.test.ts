import { describe, expect, test } from "vitest";
import { DictConfigError, readDictConfig } from "../../../src/log/dict-config.ts";

describe("a configuration that Python refuses is refused (LOG-6)", () => {
  const stream = { class: "logging.StreamHandler" };

  test.each([
    [[], "it is not a JSON object"],
    [null, "it is not a JSON object"],
    [{}, 'it has no "version": 1'],
    [{ version: "1" }, 'version "1" is not 1'],
    [{ version: 1, handlers: [1] }, "handlers is not an object"],
    [{ version: 1, loggers: { a: null } }, "logger 'a' is not an object"],
    [{ version: 1, loggers: { a: { handlers: ["h"] } } }, "logger 'a' names 'h', which is not among handlers"],
    [{ version: 1, loggers: { a: { handlers: "h" } } }, "logger 'a': handlers is not a list"],
    [{ version: 1, root: { filters: ["f"] } }, "the root logger names 'f', which is not among filters"],
    [
      { version: 1, root: { level: "info" } },
      'the root logger: unknown level "info"; use DEBUG, INFO, WARNING, ERROR or CRITICAL',
    ],
    [{ version: 1, handlers: { h: {} } }, "handler 'h' has no class"],
    [{ version: 1, handlers: { h: { class: 1 } } }, "handler 'h': class is not a string"],
    [
      { version: 1, handlers: { h: { ...stream, formatter: "f" } } },
      "handler 'h' names 'f', which is not among formatters",
    ],
    [
      { version: 1, handlers: { h: { ...stream, filters: ["f"] } } },
      "handler 'h' names 'f', which is not among filters",
    ],
    [{ version: 1, handlers: { h: { class: "logging.FileHandler" } } }, "handler 'h' has no filename"],
    [{ version: 1, formatters: { f: { format: "x" } } }, "formatter 'f': 'x' has no field such as %(message)s"],
  ])("%j: %s", (config, reason) => {
    expect(() => readDictConfig(config)).toThrow(new DictConfigError(reason));
  });
});

describe("a configuration that Python takes is taken", () => {
  test.each([
    {},
    { handlers: [], loggers: null, filters: {} },
    { formatters: { f: { format: "x", validate: false } } },
    { root: { level: "WARN" }, loggers: { root: { level: "FATAL" }, "": { level: 5 } } },
    { incremental: true, loggers: { a: { handlers: ["unknown"] } } },
  ])("%j", (config) => {
    expect(() => readDictConfig({ version: 1, ...config })).not.toThrow();
  });
});
