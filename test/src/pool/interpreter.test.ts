import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ScoreError } from "../../../src/core/errors.ts";
import { findPython, pythonNotFound, pythonTooOld } from "../../../src/pool/interpreter.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "scorefn-python-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Makes a file that can be executed. */
function program(path: string, mode = 0o755): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "");
  chmodSync(file, mode);
  return file;
}

function failure(request: Parameters<typeof findPython>[0]): ScoreError {
  try {
    findPython(request);
  } catch (error) {
    if (error instanceof ScoreError) return error;
    throw error;
  }
  throw new Error("an interpreter was found");
}

describe("without --python", () => {
  test("takes the virtual environment's, then conda's, then python3, then python", () => {
    const env = {
      VIRTUAL_ENV: join(root, "venv"),
      CONDA_PREFIX: join(root, "conda"),
      PATH: [join(root, "a"), join(root, "b")].join(":"),
    };
    const find = (given: Record<string, string>) => findPython({ python: null, env: given });
    const { VIRTUAL_ENV: _, ...inConda } = env;
    for (const path of ["a/python", "b/python3", "a/python3"]) {
      const file = program(path);
      expect(find({ PATH: env.PATH })).toBe(file);
      // conda's own packages may do without Python.
      mkdirSync(join(root, "conda"), { recursive: true });
      expect(find(inConda)).toBe(file);
    }
    const conda = program("conda/bin/python");
    expect(find(inConda)).toBe(conda);
    const venv = program("venv/bin/python");
    expect(find(env)).toBe(venv);
  });

  test.each(["VIRTUAL_ENV", "CONDA_PREFIX"])(
    "an environment named by %s that is gone is an error with a cure",
    (name) => {
      const PATH = dirname(program("bin/python3"));
      const env = { PATH, [name]: join(root, "gone") };
      const error = failure({ python: null, env });
      expect(error.code).toBe("ERR_PYTHON_NOT_FOUND");
      expect(error.message).toBe(
        `${name} is ${join(root, "gone")}, which does not exist; activate an environment that works, unset ${name}, ` +
          "or name a Python with --python or SCOREFN_PYTHON",
      );
      expect(findPython({ python: "python3", env })).toBe(join(PATH, "python3"));
      expect(findPython({ python: null, env: { PATH, [name]: "" } })).toBe(join(PATH, "python3"));
    },
  );

  test("a virtual environment without Python is an error, too", () => {
    mkdirSync(join(root, "venv"));
    const env = { PATH: dirname(program("bin/python3")), VIRTUAL_ENV: join(root, "venv") };
    expect(failure({ python: null, env }).message).toContain("which holds no Python; ");
  });

  test("passes over what is no executable file", () => {
    program("a/python3", 0o644);
    mkdirSync(join(root, "b", "python3"), { recursive: true });
    const file = program("c/python3");
    const PATH = [join(root, "a"), "", join(root, "b"), join(root, "c")].join(":");
    expect(findPython({ python: null, env: { PATH } })).toBe(file);
  });

  test("an empty entry of PATH is not the current directory", () => {
    program("python3");
    expect(failure({ python: null, env: { PATH: ":" }, cwd: root }).code).toBe("ERR_PYTHON_NOT_FOUND");
  });

  test("finds nothing: one line that lists the places and the cure", () => {
    const error = failure({ python: null, env: { PATH: "/nowhere/bin" } });
    expect(error.code).toBe("ERR_PYTHON_NOT_FOUND");
    expect(error.message).toBe(
      "no Python interpreter found (tried python3 on PATH, python on PATH); " +
        "name one of version 3.9 or later with --python or SCOREFN_PYTHON",
    );
  });
});

describe("with --python", () => {
  test("a path is relative to the current directory, and nothing else is tried", () => {
    const file = program("own/py");
    program("venv/bin/python");
    const env = { VIRTUAL_ENV: join(root, "venv"), PATH: "" };
    expect(findPython({ python: "own/py", env, cwd: root })).toBe(file);
    expect(failure({ python: "./other", env, cwd: root }).message).toContain("(tried ./other)");
  });

  test("a bare name is looked for on PATH", () => {
    const file = program("bin/python3.12");
    expect(findPython({ python: "python3.12", env: { PATH: join(root, "bin") } })).toBe(file);
  });
});

describe("on Windows", () => {
  const windows = { python: null, platform: "win32" } as const;

  test("looks for Scripts\\python.exe in a virtual environment, python.exe in conda's", () => {
    const conda = program("conda/python.exe");
    expect(findPython({ ...windows, env: { CONDA_PREFIX: join(root, "conda") } })).toBe(conda);
    const venv = program("venv/Scripts/python.exe");
    const env = { VIRTUAL_ENV: join(root, "venv"), CONDA_PREFIX: join(root, "conda") };
    expect(findPython({ ...windows, env })).toBe(venv);
  });

  test("PATH may be called Path, and its entries are parted by semicolons", () => {
    const file = program("b/python.exe");
    expect(findPython({ ...windows, env: { Path: `${join(root, "a")};${join(root, "b")}` } })).toBe(file);
  });
});

test("an interpreter that does not start gives the same error, with the cause", () => {
  const cause = new Error("spawn ENOENT");
  const error = pythonNotFound(["/gone/python"], cause);
  expect(error.code).toBe("ERR_PYTHON_NOT_FOUND");
  expect(error.message).toContain("(tried /gone/python)");
  expect(error.cause).toBe(cause);
});

describe("an interpreter that is too old", () => {
  test("is named with its version", () => {
    const file = program("bin/python");
    writeFileSync(file, '#!/bin/sh\n[ "$1" = -c ] && printf 3.8.18\n');
    const error = pythonTooOld(file);
    expect(error.code).toBe("ERR_PYTHON_NOT_FOUND");
    expect(error.message).toBe(
      `Python 3.8.18 at ${file} is too old; scorefn needs 3.9 or later; name one with --python or SCOREFN_PYTHON`,
    );
  });

  test.each(["echo what; exit 1", "exec sleep 0", "kill -9 $$"])("is named without one where it says `%s`", (does) => {
    const file = program("bin/python");
    writeFileSync(file, `#!/bin/sh\n${does}\n`);
    expect(pythonTooOld(file).message).toMatch(/^Python at .*python is too old; scorefn needs 3\.9 or later/);
    expect(pythonTooOld(join(root, "gone")).message).toMatch(/^Python at .*gone is too old/);
  });
});
