// Our own modules, without comments and blanks. What only one other module imports becomes part of that one: a zip compresses
// each file by itself and names it twice, and most of ours are small.
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";

/** Of no part of a build's start, from which each module can be left out by itself. */
export const FOLDED =
  /^dist\/(?:adapters\/(?:cli|http)|check|endpoint|packaging|src\/(?:metrics|model|no-code|node-worker|pool|reload))\//;

/** What messages call errors by are texts of their own, as builds need them. @type {import("esbuild").BuildOptions} */
export const SMALL = {
  bundle: true,
  packages: "external",
  platform: "node",
  target: "node20.19",
  minifyWhitespace: true,
  minifySyntax: true,
  minifyIdentifiers: true,
  logLevel: "error",
};

/** @param {string} root @param {readonly string[]} paths of compiled modules, below root @param {string} to */
export async function copyModules(root, paths, to) {
  const folded = await foldedModules(root, paths);
  await Promise.all(paths.map((path) => !folded.has(path) && copyModule(root, path, to, folded)));
}

/** @param {string} root @param {string} path @param {string} to @param {ReadonlySet<string>} folded */
async function copyModule(root, path, to, folded) {
  const from = dirname(join(root, path));
  /** @type {import("esbuild").Plugin} */
  const stay = {
    name: "stay",
    setup({ onResolve }) {
      onResolve({ filter: /^\.\.?\// }, ({ path: asked, resolveDir }) => {
        const file = join(resolveDir, asked);
        if (folded.has(slashed(relative(root, file)))) return { path: file };
        const place = slashed(relative(from, file));
        return { path: place.startsWith(".") ? place : `./${place}`, external: true };
      });
    },
  };
  await build({
    ...SMALL,
    entryPoints: [join(root, path)],
    outfile: join(to, path),
    format: "esm",
    legalComments: "inline",
    plugins: [stay],
  });
}

/** Those that one other module imports, at once and not when it needs them, and that nobody asks for by their path.
 *  @param {string} root @param {readonly string[]} paths */
async function foldedModules(root, paths) {
  const { metafile } = await build({
    ...SMALL,
    absWorkingDir: root,
    entryPoints: [...paths],
    outdir: join(root, "unused"),
    write: false,
    metafile: true,
    format: "esm",
  });
  /** @type {Map<string, string[]>} */
  const kinds = new Map();
  let text = await readFile(join(root, "package.json"), "utf8");
  for (const [path, { imports }] of Object.entries(metafile.inputs)) {
    text += await readFile(join(root, path), "utf8");
    for (const { path: imported, kind } of imports) kinds.set(imported, [...(kinds.get(imported) ?? []), kind]);
  }
  /** @type {Set<string>} */
  const folded = new Set();
  for (const path of paths) {
    const [kind, ...more] = kinds.get(path) ?? [];
    if (!FOLDED.test(path) || kind !== "import-statement" || more.length > 0 || text.includes(path)) continue;
    // A build looks for some by their place.
    if (text.includes(`"${path.slice("dist/".length, -".js".length)}"`)) continue;
    // It would be in another place.
    if (!(await readFile(join(root, path), "utf8")).includes("import.meta")) folded.add(path);
  }
  return folded;
}

/** @param {string} path */
function slashed(path) {
  return path.replaceAll("\\", "/");
}
