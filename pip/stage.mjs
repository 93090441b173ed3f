// What goes into the wheel beside the launcher: the files of the npm package, and the packages that it depends on, each without
// what nobody runs. A zip compresses each file by itself and names it twice, so that what is left out counts.
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { transform } from "esbuild";

/** Types are for editors, which do not look for packages of Node between those of Python. */
const TYPES = /\.d\.[cm]?ts$/;
/** Nobody runs them: sources of what is in dist, builds for browsers and minified twins. */
const NOT_RUN = /^(?:src|types|browser|docs)\/|\.(?:map|md|markdown)$|\.min\.m?js$|^legacy\.js$/;
/** Of our own: documents are read elsewhere. */
const DOCUMENTS = /^docs\/|^(?:README|CHANGELOG)\.md$/;
const LICENCE = /^licen[cs]e/i;

/** Copies what `npm pack` would pack. @param {string} root @param {string} to */
export async function copyOwnFiles(root, to) {
  const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === "win32",
  });
  const [{ files }] = JSON.parse(stdout);
  /** @type {string[]} */
  const paths = files.map((/** @type {{ path: string }} */ file) => file.path);
  if (!paths.includes("dist/adapters/cli/scorefn.js")) throw new Error("dist is not built: npm run build");
  const built = new Set(paths.filter((path) => path.startsWith("dist/")));
  for (const path of paths) {
    if (DOCUMENTS.test(path) || (built.has(path) && TYPES.test(path))) continue;
    // The compiler writes types beside what it makes; the libraries of pages lie in dist as they are.
    const isCompiled = path.endsWith(".js") && built.has(path.replace(/js$/, "d.ts"));
    await (isCompiled ? copyModule : copy)(join(root, path), join(to, path));
  }
}

/** Copies the dependencies of package.json and all they depend on. The wheel is for every platform, so that esbuild's program
 *  is not among them; what asks for it says how to get it.
 *  @param {string} root @param {string} to
 *  @returns the licences of all of them */
export async function copyPackages(root, to) {
  const { dependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const names = new Set(Object.keys(dependencies));
  /** @type {string[]} */
  const notices = [];
  // Grows while it is gone through.
  for (const name of names) {
    const from = join(root, "node_modules", name);
    const manifest = JSON.parse(await readFile(join(from, "package.json"), "utf8"));
    for (const needed of Object.keys(manifest.dependencies ?? {})) names.add(needed);
    const files = (await readdir(from, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(from.length + 1)
          .replaceAll("\\", "/"),
      );
    // One version of each, at the top: a copy of another package below it would be lost.
    if (files.some((file) => file.startsWith("node_modules/"))) throw new Error(`${name} has packages of its own`);
    for (const file of files.filter((path) => isRun(path, name))) await copy(join(from, file), join(to, name, file));
    if (name === "esbuild") await replaceStart(join(to, name), manifest);
    notices.push(await noticeOf(root, from, manifest));
  }
  return `scorefn holds these packages.\n\n${notices.sort().join("\n\n")}`;
}

/** @param {string} file @param {string} name of its package */
function isRun(file, name) {
  if (LICENCE.test(basename(file))) return true;
  if (name === "esbuild") return file === "lib/main.js" || file === "package.json";
  return !NOT_RUN.test(file) && !TYPES.test(file);
}

/** Lets esbuild begin with our file, which looks for its program. @param {string} folder @param {any} manifest */
async function replaceStart(folder, manifest) {
  const { scripts: _, bin: _bin, types: _types, optionalDependencies: _programs, ...kept } = manifest;
  await writeFile(join(folder, "package.json"), `${JSON.stringify({ ...kept, main: "start.cjs" }, null, 2)}\n`);
  await copy(fileURLToPath(new URL("esbuild-start.cjs", import.meta.url)), join(folder, "start.cjs"));
}

/** @param {string} root @param {string} folder @param {any} manifest */
async function noticeOf(root, folder, { name, version, license, author }) {
  const file = (await readdir(folder)).find((entry) => LICENCE.test(entry));
  const head = `${name} ${version}, ${license}\n\n`;
  if (file !== undefined) return head + (await readFile(join(folder, file), "utf8")).trim();
  // Some leave it at the name of the licence.
  const holder = (typeof author === "string" ? author : author?.name)?.replace(/ <.*/, "");
  if (license !== "MIT" || holder === undefined) throw new Error(`${name} has no licence text`);
  const own = await readFile(join(root, "LICENSE"), "utf8");
  return head + own.replace(/^Copyright .*$/m, `Copyright (c) ${holder}`).trim();
}

/** Without comments and blanks; names stay, for messages have them. Only our own modules: what a CommonJS module exports Node
 *  reads from how it is written. @param {string} from @param {string} to */
async function copyModule(from, to) {
  const { code } = await transform(await readFile(from, "utf8"), { minifyWhitespace: true, legalComments: "inline" });
  await mkdir(dirname(to), { recursive: true });
  await writeFile(to, code);
}

/** @param {string} from @param {string} to */
async function copy(from, to) {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to);
}
