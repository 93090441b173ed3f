import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { locateFault } from "../../../src/locate/python.ts";

const appRoot = mkdtempSync(join(tmpdir(), "scorefn-fault-"));
writeFileSync(join(appRoot, "score.py"), "import ctypes\ndef run(data):\n    ctypes.string_at(0)\n");
const roots = { appRoot, entryScript: join(appRoot, "score.py"), workerRoot: "/opt/scorefn/python" };

const DUMP = `Fatal Python error: Segmentation fault

Thread 0x00007f9b334996c0 (most recent call first):
  File "${appRoot}/other.py", line 9 in background
  File "/usr/lib/python3.11/threading.py", line 982 in run

Current thread 0x00007f9b34c61b80 (most recent call first):
  File "/usr/lib/python3.11/ctypes/__init__.py", line 519 in string_at
  File "${appRoot}/venv/lib/python3.11/site-packages/numpy/core.py", line 7 in dot
  File "${appRoot}/score.py", line 3 in run
  File "/opt/scorefn/python/scorefn_worker/loop.py", line 58 in _answer
`;

test("a fault is located in the failing thread, at the innermost frame of the user's own files (ERR-11)", () => {
  expect(locateFault(DUMP, roots)).toEqual({
    file: "score.py",
    line: 3,
    column: null,
    function: "run",
    source: "ctypes.string_at(0)",
  });
});

test("a file that cannot be read any more costs only the source line", () => {
  const gone = DUMP.replaceAll("score.py", "gone.py");
  expect(locateFault(gone, roots)).toMatchObject({ file: "gone.py", line: 3, source: null });
});

test("the worker's own frames are not the user's, even below the app root", () => {
  expect(locateFault(DUMP, { ...roots, workerRoot: appRoot })).toBeNull();
});

test("a text without frames has no location", () => {
  expect(locateFault("", roots)).toBeNull();
  expect(locateFault("Killed", roots)).toBeNull();
});
