// Takes out of dist what nobody loads: modules that are parts of bundles, or have no more in them than types, and the types of
// what nobody can import.
import { readdir, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** What a page of a browser asks for, by names of its own. */
const STATIC = /\/static\//;
const SPECIFIERS = /(?:\bfrom|\bimport|\bimport\()\s*"(\.[^"]+)"/g;

/** @param {string} root of the package */
export async function removeUnused(root) {
  const paths = (await readdir(join(root, "dist"), { recursive: true }))
    .map((path) => `dist/${path.replaceAll("\\", "/")}`)
    .filter((path) => /\.(?:js|d\.ts)$/.test(path) && !STATIC.test(path));
  /** @type {Map<string, string>} */
  const texts = new Map();
  await Promise.all(paths.map(async (path) => texts.set(path, await readFile(join(root, path), "utf8"))));
  const manifest = await readFile(join(root, "package.json"), "utf8");
  const modules = paths.filter((path) => path.endsWith(".js"));
  const used = reached(modules, manifest, texts, isNamed);
  const types = paths.filter((path) => path.endsWith(".d.ts"));
  const told = reached(types, manifest, texts, () => false);
  const unused = paths.filter((path) => !used.has(path) && !told.has(path));
  await Promise.all(unused.map((path) => rm(join(root, path))));
}

/** All that lead from the package's own entries to each other.
 *  @param {readonly string[]} paths @param {string} manifest @param {ReadonlyMap<string, string>} texts
 *  @param {(path: string, text: string) => boolean} isOtherwise whether a text leads to a path in another way */
function reached(paths, manifest, texts, isOtherwise) {
  const found = new Set(paths.filter((path) => manifest.includes(path)));
  // Grows while it is gone through.
  for (const path of found) {
    const text = texts.get(path) ?? "";
    const suffix = path.endsWith(".d.ts") ? ".d.ts" : ".js";
    const imported = new Set(
      [...text.matchAll(SPECIFIERS)].map(([, to = ""]) =>
        join(dirname(path), to)
          .replaceAll("\\", "/")
          .replace(/\.[jt]s$/, suffix),
      ),
    );
    for (const other of paths) {
      if (!found.has(other) && (imported.has(other) || isOtherwise(other, text))) found.add(other);
    }
  }
  return found;
}

/** Processes, threads and builds are begun with modules that they know by name. @param {string} path @param {string} text */
function isNamed(path, text) {
  const module = path.replace(/^dist\/(?:adapters\/)?/, "").replace(/\.js$/, "");
  return text.includes(`${module}"`) || text.includes(path) || text.includes(`/${basename(path)}"`);
}
