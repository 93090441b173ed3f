// Module hooks, run by Node in a thread of their own: they compile each TypeScript file where it lies, so that
// `import.meta.url`, the lookup of packages and stack traces stay those of the source.
import { existsSync } from "node:fs";
import type { LoadHook, ResolveHook } from "node:module";
import { isBuiltin } from "node:module";
import { dirname, join, parse } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ImportKind } from "esbuild";
import { compile, compiler, resolveImport, withMap } from "./compile.ts";
import { isTypeScript } from "./typescript.ts";

// The compiler's process is started in the folder that is current when its library is loaded, each time. That folder may
// vanish; what is compiled does not depend on it.
const { cwd } = process;
process.cwd = () => parse(process.execPath).root;
const { stop } = await compiler();
process.cwd = cwd;

/** The compiler is a process of about 11 MB. It is ended when nothing has been compiled for so many milliseconds: a script's
 *  files follow each other faster, and most scripts compile nothing once they are loaded. To start it takes 10 ms. */
const COMPILER_IDLE_MS = 1_000;

const NOTHING_FOUND = ["ERR_MODULE_NOT_FOUND", "ERR_INVALID_MODULE_SPECIFIER", "ERR_PACKAGE_IMPORT_NOT_DEFINED"];

const TARGET = `node${process.versions.node}`;

let underWay = 0;
let idle: NodeJS.Timeout | undefined;

/** What a bundle would take is taken: an alias of tsconfig.json before a package of that name, and where Node finds nothing,
 *  what an import without extension or with another one may mean. `scorefn` is the one that runs the script, installed beside
 *  it or not. */
export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  const importer = userFile(context.parentURL);
  if (importer === undefined || isBuiltin(specifier) || /^[a-z]+:/.test(specifier)) {
    return nextResolve(specifier, context);
  }
  const kind = context.conditions.includes("require") ? "require-call" : "import-statement";
  const isRelative = /^\.{0,2}\//.test(specifier);
  if (!isRelative && hasTsconfig(dirname(importer))) {
    const alias = await find(specifier, importer, kind);
    if (alias !== undefined && !isInPackage(alias)) return nextResolve(pathToFileURL(alias).href, context);
  }
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    if (specifier === "scorefn") return nextResolve(specifier, { ...context, parentURL: import.meta.url });
    const meant = await find(specifier, importer, kind);
    if (meant === undefined) throw isRelative ? error : missing(specifier, importer, error);
    return nextResolve(pathToFileURL(meant).href, context);
  }
};

const warned = new Set<string>();

export const load: LoadHook = async (url, context, nextLoad) => {
  const file = url.startsWith("file:") ? url.split(/[?#]/, 1)[0]! : "";
  // A require() of JSON says so in its attributes, as an import may.
  const isImportedJson = file.endsWith(".json") && context.importAttributes?.type === undefined;
  if (!isTypeScript(file) && !isImportedJson) return nextLoad(url, context);
  const compiled = await busy(() => compile(fileURLToPath(file), { target: TARGET }));
  for (const warning of compiled.warnings) {
    if (!warned.has(warning)) process.emitWarning(warning);
    warned.add(warning);
  }
  return { format: compiled.format, source: withMap(compiled), shortCircuit: true };
};

/** Node tells no more than the first part of what the author wrote. */
function missing(specifier: string, importer: string, error: unknown): unknown {
  const { code } = error as { code?: string };
  if (!NOTHING_FOUND.includes(code ?? "")) return error;
  return Object.assign(new Error(`Cannot find package '${specifier}' imported from ${importer}`), { code });
}

/** A file of the user's; packages are Node's to find. */
function userFile(url: string | undefined): string | undefined {
  if (url === undefined || !url.startsWith("file:")) return undefined;
  const path = fileURLToPath(url.split(/[?#]/, 1)[0]!);
  return isInPackage(path) ? undefined : path;
}

function isInPackage(path: string): boolean {
  return /[\\/]node_modules[\\/]/.test(path);
}

const foldersWithTsconfig = new Map<string, boolean>();

function hasTsconfig(folder: string): boolean {
  let known = foldersWithTsconfig.get(folder);
  if (known === undefined) {
    known = existsSync(join(folder, "tsconfig.json")) || (dirname(folder) !== folder && hasTsconfig(dirname(folder)));
    foldersWithTsconfig.set(folder, known);
  }
  return known;
}

function find(specifier: string, importer: string, kind: ImportKind): Promise<string | undefined> {
  return busy(() => resolveImport(specifier, importer, kind));
}

async function busy<T>(work: () => Promise<T>): Promise<T> {
  clearTimeout(idle);
  underWay += 1;
  try {
    return await work();
  } finally {
    underWay -= 1;
    if (underWay === 0) idle = setTimeout(() => void stop(), COMPILER_IDLE_MS).unref();
  }
}
