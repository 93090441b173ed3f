import { lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import { listFiles } from "../../packaging/paths.ts";

/** Files by path, with their content. */
export type Tree = Readonly<Record<string, string | Uint8Array>>;

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

/** A folder of the test's own, with these files in it. @returns its path */
export function tree(files: Tree = {}): string {
  const root = mkdtempSync(join(tmpdir(), "scorefn-tree-"));
  roots.push(root);
  write(root, files);
  return root;
}

export function write(root: string, files: Tree): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

export function read(root: string, path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Content of all files below a folder. */
export async function contents(root: string): Promise<Record<string, string>> {
  const files = await listFiles(root);
  const contentOf = (file: string): string =>
    lstatSync(file).isSymbolicLink() ? `-> ${readlinkSync(file)}` : readFileSync(file).toString("base64");
  return Object.fromEntries(files.map((path) => [path, contentOf(join(root, path))]));
}

export const PYTHON_SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n";
export const JS_SCRIPT = "export function init() {}\nexport function run(data) { return data; }\n";
