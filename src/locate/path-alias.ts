// What tsconfig.json has to say of an import that leads nowhere. For hints only: imports are resolved by the compiler.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join } from "node:path";
import { attempt } from "../core/attempt.ts";

interface Tsconfig {
  /** The one beside the file or in the next folder above. */
  readonly file: string;
  /** Patterns of `paths`, its own or those of what it extends, to the files they stand for. */
  readonly paths: Readonly<Record<string, readonly string[]>>;
  readonly baseUrl: boolean;
}

/** Files that are followed by `extends`, so that a circle ends. */
const MAX_EXTENDED = 10;

/** What to do about `import "wanted"`, which is neither a file's name nor installed. It names a package to install only
 *  where nothing says that an alias was meant. @param importer absolute, or undefined where it is not known */
export function missingPackageHint(wanted: string, importer: string | undefined, importerName: string): string {
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(wanted)?.[0] ?? wanted;
  const folder = importer === undefined ? undefined : dirname(importer);
  const manifest = folder === undefined ? undefined : dependingManifest(folder, name);
  if (manifest !== undefined)
    return `Package '${name}' is a dependency in ${manifest} but is not installed: run npm install there.`;
  const tsconfig = folder === undefined ? undefined : readTsconfig(folder);
  const alias = Object.keys(tsconfig?.paths ?? {}).find((pattern) => matches(pattern, wanted));
  if (tsconfig !== undefined && alias !== undefined) {
    const files = tsconfig.paths[alias]!.map((target) => target.replace("*", starOf(alias, wanted)));
    return `'${wanted}' is the path alias '${alias}' of ${tsconfig.file}, but there is no file for it: looked for ${files.join(", ")}.`;
  }
  if (!isPackageName(name)) {
    const missing = tsconfig === undefined ? "there is no tsconfig.json" : `${tsconfig.file} has no such path`;
    return `'${wanted}' looks like a path alias, but ${missing}: add it to compilerOptions.paths.`;
  }
  const hasAliases = tsconfig !== undefined && (tsconfig.baseUrl || Object.keys(tsconfig.paths).length > 0);
  if (/\.[cm]?tsx?$/.test(importerName) && (hasAliases || name.startsWith("@"))) {
    const read = tsconfig === undefined ? "there is no tsconfig.json" : `read: ${tsconfig.file}`;
    return `'${wanted}' is neither an installed package nor a path alias of a tsconfig.json (${read}): install the package next to ${importerName}, or add the alias to compilerOptions.paths.`;
  }
  return `Package '${name}' is not installed: run npm install ${name} next to ${importerName}.`;
}

/** What npm takes as a name. */
function isPackageName(name: string): boolean {
  return /^(?:@[a-z0-9][\w.-]*\/)?[a-z0-9][a-z0-9._-]*$/.test(name);
}

function matches(pattern: string, wanted: string): boolean {
  const [before, after] = pattern.split("*", 2);
  if (after === undefined) return pattern === wanted;
  return wanted.length >= pattern.length - 1 && wanted.startsWith(before!) && wanted.endsWith(after);
}

function starOf(pattern: string, wanted: string): string {
  const [before, after = ""] = pattern.split("*", 2);
  return pattern.includes("*") ? wanted.slice(before!.length, wanted.length - after.length) : "";
}

/** The next package.json above that lists the package. */
function dependingManifest(folder: string, name: string): string | undefined {
  const file = fileAbove(folder, "package.json");
  if (file === undefined) return undefined;
  const manifest = readJson(file);
  const lists = [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies];
  return lists.some((list) => typeof list === "object" && list !== null && Object.hasOwn(list, name))
    ? file
    : undefined;
}

function readTsconfig(folder: string): Tsconfig | undefined {
  const file = fileAbove(folder, "tsconfig.json");
  return file === undefined ? undefined : { file, ...effective(file, MAX_EXTENDED) };
}

function effective(file: string, depth: number): Omit<Tsconfig, "file"> {
  const { extends: bases, compilerOptions } = readJson(file);
  let result: Omit<Tsconfig, "file"> = { paths: {}, baseUrl: false };
  for (const base of depth === 0 || bases === undefined ? [] : [bases].flat()) {
    const place = attempt(() => extended(file, String(base)), undefined);
    if (place !== undefined) {
      const { paths, baseUrl } = effective(place, depth - 1);
      result = { paths: Object.keys(paths).length > 0 ? paths : result.paths, baseUrl: baseUrl || result.baseUrl };
    }
  }
  const { paths, baseUrl } = (compilerOptions ?? {}) as { paths?: Tsconfig["paths"]; baseUrl?: string };
  if (paths === undefined) return { ...result, baseUrl: baseUrl !== undefined || result.baseUrl };
  const root = join(dirname(file), baseUrl ?? "");
  const absolute = Object.entries(paths).map(([pattern, targets]) => [
    pattern,
    targets.map((target) => join(root, target)),
  ]);
  return { paths: Object.fromEntries(absolute), baseUrl: baseUrl !== undefined || result.baseUrl };
}

/** @throws when it is not there */
function extended(file: string, base: string): string {
  if (!base.startsWith(".") && !isAbsolute(base)) {
    const { resolve } = createRequire(file);
    return (
      attempt(() => resolve(base), undefined) ??
      attempt(() => resolve(`${base}.json`), undefined) ??
      resolve(`${base}/tsconfig.json`)
    );
  }
  const place = isAbsolute(base) ? base : join(dirname(file), base);
  return existsSync(place) ? place : `${place}.json`;
}

function fileAbove(folder: string, name: string): string | undefined {
  const file = join(folder, name);
  if (existsSync(file)) return file;
  return dirname(folder) === folder ? undefined : fileAbove(dirname(folder), name);
}

const COMMENT = /("(?:\\.|[^"\\])*")|\/\/.*|\/\*[\s\S]*?\*\//g;
const LAST_COMMA = /("(?:\\.|[^"\\])*")|,(?=\s*[\]}])/g;

/** With comments and last commas, as tsconfig.json may have them. Empty for what cannot be read. */
function readJson(file: string): Record<string, unknown> {
  return attempt(() => {
    const text = readFileSync(file, "utf8").replace(COMMENT, "$1").replace(LAST_COMMA, "$1");
    return JSON.parse(text) as Record<string, unknown>;
  }, {});
}
