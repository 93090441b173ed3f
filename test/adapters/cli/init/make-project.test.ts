// Failures in the middle, on real file systems.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { makeProject } from "../../../../adapters/cli/init/make-project.ts";
import { packageFile } from "../../../../src/core/package-root.ts";

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");
const root = mkdtempSync(join(tmpdir(), "scorefn-make-"));
chmodSync(root, 0o755);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const NAMESPACE = ["--user", "--map-root-user", "--mount"];
const canMount =
  process.platform === "linux" &&
  spawnSync("unshare", [...NAMESPACE, "sh", "-c", 'mount -t tmpfs none "$0"', root]).status === 0;

/** Runs init in a small file system of its own, and lists what is there afterwards. */
function initIn(
  options: string,
  folder: string,
): { readonly code: number; readonly err: string; readonly left: string[] } {
  const place = mkdtempSync(join(root, "mount-"));
  const script =
    'mount -t tmpfs -o "$0" none "$1" && cd "$1" && mkdir mine && echo mine > mine/file && shift && "$@"; code=$?; find . -mindepth 1; exit $code';
  const { status, stdout, stderr } = spawnSync(
    "unshare",
    [...NAMESPACE, "sh", "-c", script, options, place, process.execPath, COMMAND, "init", folder],
    { encoding: "utf8" },
  );
  return { code: status ?? -1, err: stderr, left: stdout.split("\n").filter((line) => line.startsWith("./")) };
}

describe.skipIf(!canMount)("a disk that is full", () => {
  // A file system of so many files and folders is full in the middle, whatever their bytes.
  test.each([4, 6, 10, 14])("after %i entries: nothing of what was made is left", (entries) => {
    const { code, err, left } = initIn(`size=1m,nr_inodes=${entries}`, "a/b");
    expect(code).toBe(1);
    expect(err).toMatch(/^scorefn init: error: the disk of \S+\/a\/b is full; nothing was made\n$/);
    expect(left).toEqual(["./mine", "./mine/file"]);
  });

  test("in the middle of a file", () => {
    const { code, err, left } = initIn("size=16k", "a");
    expect(code).toBe(1);
    expect(err).toContain("is full; nothing was made\n");
    expect(left).toEqual(["./mine", "./mine/file"]);
  });

  test("with room enough everything is there", () => {
    const { code, left } = initIn("size=1m", "a");
    expect(code).toBe(0);
    expect(left).toContain("./a/score.py");
  });
});

test.skipIf(process.platform === "win32")("a place that this user cannot write", () => {
  const closed = join(root, "closed");
  mkdirSync(closed, { mode: 0o555 });
  const asNobody = process.getuid!() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const { status, stderr } = spawnSync(process.execPath, [COMMAND, "init", "a"], {
    cwd: closed,
    encoding: "utf8",
    ...asNobody,
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^scorefn init: error: \S+closed\/a cannot be written by this user; name another folder; nothing was made\n$/,
  );
  expect(readdirSync(closed)).toEqual([]);
});

test("what somebody puts there meanwhile stays as it is", () => {
  const folder = join(root, "meanwhile");
  // Two files of one name: the second finds the first in its way, as it would find somebody else's.
  const files = ["a/b.txt", "c.txt", "c.txt"].map((path) => ({ path, content: path }));
  expect(() => makeProject(folder, files)).toThrow("c.txt is in the way; nothing was made");
  expect(readdirSync(root)).not.toContain("meanwhile");
  writeFileSync(join(root, "file"), "mine");
  expect(() => makeProject(join(root, "file"), files)).toThrow("is a file");
});

const PTY = `
import os, pty, sys
command, answer = sys.argv[2:], sys.argv[1].encode().decode("unicode_escape").encode()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
text = b""
try:
    while True:
        text += os.read(terminal, 4096)
        if b"[python]: " in text and answer:
            os.write(terminal, answer)
            answer = b""
except OSError:
    pass
print(text.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

describe.skipIf(process.platform === "win32")("at a real terminal", () => {
  function type(answer: string, folder: string) {
    const env = { ...process.env, CI: "" };
    return spawnSync("python3", ["-c", PTY, answer, process.execPath, COMMAND, "init", folder], {
      cwd: root,
      encoding: "utf8",
      env,
    });
  }

  test("it asks which template", () => {
    const { status, stdout } = type("typescript\\n", "typed");
    expect(stdout).toContain("Which template?");
    expect(stdout).toContain("Made typed from the template typescript");
    expect(status).toBe(0);
    expect(readdirSync(join(root, "typed"))).toContain("score.ts");
  });

  // Ctrl+D, Ctrl+C.
  test.each(["\\x04", "\\x03"])("%s leaves nothing", (key) => {
    const { status, stdout } = type(key, "left");
    expect(status).toBe(1);
    expect(stdout).toContain("no template was chosen; nothing was made");
    expect(readdirSync(root)).not.toContain("left");
  });
});

test("in a pipe it does not ask", () => {
  const text = execFileSync(process.execPath, [COMMAND, "init", "piped"], {
    cwd: root,
    encoding: "utf8",
    input: "2\n",
  });
  expect(text).toMatch(/^Template: python/);
});
