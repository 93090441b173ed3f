// What goes into the wheel beside the launcher: the files of the npm package, and the packages that it depends on, each without
// what nobody runs. A zip compresses each file by itself and names it twice, so that few files and what is left out count.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { copyModules, SMALL } from "./modules.mjs";

/** Types are for editors, which do not look for packages of Node between those of Python. */
const TYPES = /\.d\.[cm]?ts$/;
/** Of our own: documents are read elsewhere. */
const DOCUMENTS = /^docs\/|^(?:README|CHANGELOG)\.md$/;
/** A page asks for its modules by their names. */
const BROWSERS = /\/static\//;
const LICENCE = /^licen[cs]e/i;
/** What Node finds besides the exports that a CommonJS module names. */
const NOT_NAMED = new Set(["default", "module.exports"]);

const { resolve: resolveRequired } = createRequire(import.meta.url);

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
  /** @type {string[]} */
  const modules = [];
  for (const path of paths) {
    const isBuilt = path.startsWith("dist/");
    if (DOCUMENTS.test(path) || (isBuilt && TYPES.test(path))) continue;
    if (isBuilt && path.endsWith(".js") && !BROWSERS.test(path)) modules.push(path);
    else await copy(join(root, path), join(to, path));
  }
  await copyModules(root, modules, to);
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
    // One version of each, at the top: a copy of another package below it would be lost.
    if (existsSync(join(from, "node_modules"))) throw new Error(`${name} has packages of its own`);
    await copy(join(from, "package.json"), join(to, name, "package.json"));
    if (name === "esbuild") await copyEsbuild(from, join(to, name), manifest);
    // Ours are modules; what a package needs itself is asked for with `require`.
    else {
      const file = name in dependencies ? fileURLToPath(import.meta.resolve(name)) : resolveRequired(name);
      const isModule = file.endsWith(".mjs") || manifest.type === "module";
      await copyAsOneFile(file, join(to, name, relative(from, file)), isModule);
    }
    notices.push(await noticeOf(root, from, manifest));
  }
  return `scorefn holds these packages.\n\n${notices.sort().join("\n\n")}`;
}

/** With all of its package that it needs; packages stay what they are, and so do the names that Node finds in it.
 *  @param {string} file that a package begins with @param {string} to @param {boolean} isModule */
async function copyAsOneFile(file, to, isModule) {
  const names = isModule
    ? []
    : Object.keys(await import(pathToFileURL(file).href)).filter((name) => !NOT_NAMED.has(name));
  await build({
    entryPoints: [file],
    outfile: to,
    ...SMALL,
    format: isModule ? "esm" : "cjs",
    legalComments: "none",
    // Node reads the names from how the file is written, and does not run this.
    footer: { js: names.length > 0 ? `0&&(module.exports={${names}});` : "" },
    logLevel: "error",
  });
}

/** Esbuild begins with our file, which looks for its program. @param {string} from @param {string} to @param {any} manifest */
async function copyEsbuild(from, to, manifest) {
  const { scripts: _, bin: _bin, types: _types, optionalDependencies: _programs, ...kept } = manifest;
  await writeFile(join(to, "package.json"), `${JSON.stringify({ ...kept, main: "start.cjs" }, null, 2)}\n`);
  await copy(fileURLToPath(new URL("esbuild-start.cjs", import.meta.url)), join(to, "start.cjs"));
  await copy(join(from, "lib/main.js"), join(to, "lib/main.js"));
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

/** @param {string} from @param {string} to */
async function copy(from, to) {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to);
}
