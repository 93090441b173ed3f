// A host's entry with adapter and core, or a JavaScript or TypeScript score script, made one file.
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import type { BuildOptions, Message, Plugin } from "esbuild";
import { ConfigError, missingPackageHint, packageFile } from "../src/host.ts";
import { compilePlugin } from "./compile-plugin.ts";
import { place } from "./files.ts";
import { CREDENTIALS, leaveOutRules, namesCredentials, OWN_IGNORE_FILE } from "./left-out.ts";
import { problem } from "./out-folder.ts";
import { isOwn, lateModules, OWN_FILES, ownModule, ownModules, takeLicences } from "./own-modules.ts";
import { findPackage, isCompiled } from "./packages.ts";
import { isInside, slashed } from "./paths.ts";

export interface BundleOptions {
  /** `host`: our own code, as small as it gets; nothing reads its source map at run time. `script`: the user's, whose names
   *  and places are shown in logs and answers. */
  readonly of: "host" | "script";
  /** Source text of the entry module; it imports ours as `scorefn/...`. */
  readonly entry: string;
  /** Where the file goes; its source map lies beside it. */
  readonly outfile: string;
  /** Folder of the score script. Files of the user's below it are copied beside the bundle, so that messages can show their
   *  lines. */
  readonly scriptDir: string;
  /** `cjs` for a host that does not take a module as its entry; there is no top-level await in it. Default: esm. */
  readonly format?: "esm" | "cjs" | undefined;
  /** True for a host that is a module and does with `src/host-lean`: what only some scripts or requests need goes into a file
   *  of its own, which is loaded for them. Default: false. */
  readonly lean?: boolean | undefined;
  /** Whether it is to serve a model without a script. Default: false. */
  readonly takesModels?: boolean | undefined;
  /** Modules that are there when the bundle runs: the host's own, or files beside it. */
  readonly provided?: readonly string[] | undefined;
  /** Packages that are to be copied as they are; those with compiled parts are in any case. */
  readonly external?: readonly string[] | undefined;
}

export interface Bundle {
  /** Size in bytes of all files that were made of it. */
  readonly bytes: number;
  /** Folders of the packages that the file still imports. */
  readonly packages: readonly string[];
}

/** Oldest Node the bundle is to run on: what the package itself asks for. */
const TARGET = "node20";

const EXTENSIONS = { esm: ".mjs", cjs: ".cjs" };

/** What CommonJS packages expect to find, in a file that is a module; without an `import`, as below. */
const BANNER =
  'const require=process.getBuiltinModule("node:module").createRequire(import.meta.url),' +
  '__filename=process.getBuiltinModule("node:url").fileURLToPath(import.meta.url),' +
  '__dirname=process.getBuiltinModule("node:path").dirname(__filename);';

/** What modules expect to find, in a file that is a CommonJS one. */
const CJS_BANNER = 'const __su=require("node:url").pathToFileURL(__filename).href;';

/** @throws ConfigError that names the places, when the script cannot be compiled */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const { build } = await import("esbuild");
  const format = options.format ?? "esm";
  const { lean = false, takesModels = false } = options;
  const packages = new Map<string, string>();
  const script = compilePlugin(TARGET, (path) => placeOf(path, options.scriptDir));
  const settings: BuildOptions = {
    absWorkingDir: options.scriptDir,
    stdin: { contents: options.entry, resolveDir: options.scriptDir, sourcefile: "entry.js", loader: "js" },
    bundle: true,
    minify: true,
    keepNames: options.of === "script",
    platform: "node",
    target: TARGET,
    external: [...(options.provided ?? [])],
    // Reading a map takes longer than starting the host does.
    sourcemap: options.of === "script" ? "linked" : "external",
    sourcesContent: false,
    metafile: true,
    legalComments: "none",
    logLevel: "silent",
    loader: { ".node": "copy" },
    ...(format === "cjs"
      ? { format: "cjs", banner: { js: CJS_BANNER }, define: { "import.meta.url": "__su" } }
      : { format: "esm", ...(!lean && { banner: { js: BANNER } }) }),
    plugins: [
      ...(lean ? [lateModules()] : []),
      ownModules(EXTENSIONS[format], takesModels),
      compiledPackages(packages, options.external ?? []),
    ],
  };
  const extension = extname(options.outfile);
  const output: BuildOptions = lean
    ? {
        splitting: true,
        outdir: dirname(options.outfile),
        outExtension: { ".js": extension },
        entryNames: basename(options.outfile, extension),
        chunkNames: "[name]-[hash]",
      }
    : { outfile: options.outfile };
  if (options.of === "script") {
    // Of a package's entries that of Node is taken, as when the script is served.
    settings.conditions = [];
    settings.plugins!.unshift(script.plugin);
  }
  const { metafile } = await build({ ...settings, ...output }).catch((cause: unknown) => {
    throw new ConfigError("ERR_CONFIG", describeBuildFailure(cause, script.sourceOf), { cause });
  });
  if (options.of === "script") refuseCredentials(Object.keys(metafile?.inputs ?? {}), options);
  for (const name of options.external ?? []) {
    // It may be asked for in a way that a bundler does not see.
    const folder = packages.get(name) ?? findPackage(name, options.scriptDir);
    if (folder === undefined) throw problem(`--external: there is no package ${name} in reach of ${options.scriptDir}`);
    packages.set(name, folder);
  }
  const made = Object.entries(metafile?.outputs ?? {}).map(([path, { bytes }]) => ({
    path: join(options.scriptDir, path),
    bytes,
  }));
  for (const { path } of made) if (path.endsWith(".map")) await settleSources(path, options);
  if (options.of === "host") {
    const { stdin: _, ...rest } = settings;
    for (const [module, name] of Object.entries(OWN_FILES)) {
      const outfile = join(dirname(options.outfile), name + EXTENSIONS[format]);
      const banner = format === "esm" ? { js: BANNER } : rest.banner!;
      await build({ ...rest, banner, entryPoints: [ownModule(module)], outfile, sourcemap: false });
    }
    await takeLicences(dirname(options.outfile));
  }
  const code = made.filter(({ path }) => !path.endsWith(".map"));
  return { bytes: code.reduce((sum, { bytes }) => sum + bytes, 0), packages: [...packages.values()] };
}

/** Packages with machine code cannot become part of a file. */
function compiledPackages(found: Map<string, string>, external: readonly string[]): Plugin {
  const known = new Map<string, string | null>();
  return {
    name: "compiled-packages",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, ({ path, importer, resolveDir }) => {
        const name = /^(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
        if (name === undefined || path.startsWith("node:") || isOwn(importer)) return undefined;
        const key = `${resolveDir}\0${name}`;
        let folder = known.get(key);
        if (folder === undefined) {
          const place = findPackage(name, resolveDir);
          folder = place !== undefined && (external.includes(name) || isCompiled(place)) ? place : null;
          known.set(key, folder);
        }
        if (folder === null) return undefined;
        found.set(name, folder);
        return { path, external: true };
      });
    },
  };
}

/** Gives the sources of the map the places they have where the bundle will run: the user's beside it, all others below
 *  node_modules, where no message looks for the user's own code. */
async function settleSources(file: string, { scriptDir, of }: BundleOptions): Promise<void> {
  const map = JSON.parse(await readFile(file, "utf8")) as { sources: string[] };
  const folder = dirname(file);
  const settle = async (source: string): Promise<string> => {
    const path = resolve(folder, source);
    const inPackage = path.lastIndexOf(`${sep}node_modules${sep}`);
    if (inPackage >= 0) return slashed(path.slice(inPackage + 1));
    if (isOwn(path)) return `node_modules/scorefn/${slashed(relative(packageFile("."), path))}`;
    if (of === "host" || !existsSync(path)) return `node_modules/scorefn/${basename(path)}`;
    let where = placeOf(path, scriptDir);
    // Of another folder that looks the same from here, or where our own files will be.
    while (existsSync(join(folder, where)) || OWN_PLACES.test(where)) where = `_/${where}`;
    await place(path, folder, where);
    return where;
  };
  const settled: string[] = [];
  for (const source of map.sources) settled.push(await settle(source));
  await writeFile(file, JSON.stringify({ ...map, sources: settled }));
}

/** Where a source of the user's lies below the build. */
function placeOf(path: string, scriptDir: string): string {
  return slashed(relative(scriptDir, path)).replace(/^(?:\.\.\/)+/, "");
}

/** Folders and files of a build that are not the script's. */
const OWN_PLACES = /^(?:scorefn|dist|model|infra|node_modules)\/|^(?:package|host)\.json$|^(?:index|stream)\.mjs$/;

/** What is bundled can be read by everybody who can read the build.
 *  @param inputs files, relative to the script's folder */
function refuseCredentials(inputs: readonly string[], { scriptDir }: BundleOptions): void {
  const rules = leaveOutRules(scriptDir);
  for (const input of inputs) {
    const path = resolve(scriptDir, input);
    if (isOwn(path) || path.includes(`${sep}node_modules${sep}`) || !existsSync(path)) continue;
    const inside = isInside(path, scriptDir);
    const isSecret = inside
      ? rules(slashed(relative(scriptDir, path)), false, path) === CREDENTIALS
      : namesCredentials(path);
    if (!isSecret) continue;
    throw problem(
      `the script imports ${path}, which by its name ${CREDENTIALS}; read them from the environment at run time, or ` +
        `write !${basename(path)} into ${OWN_IGNORE_FILE} beside the script`,
    );
  }
}

/** A message for whoever builds, made of what esbuild found. */
function describeBuildFailure(error: unknown, sourceOf: (message: Message) => Message["location"]): string {
  const { errors } = error as { errors?: readonly Message[] };
  if (!Array.isArray(errors)) return error instanceof Error ? error.message : String(error);
  return errors
    .map((message: Message) => {
      const location = sourceOf(message);
      const place = location === null ? "" : `${basename(location.file)}:${location.line}:${location.column + 1}: `;
      const [, wanted = "."] = /^Could not resolve "([^"]+)"/.exec(message.text) ?? [];
      const hint =
        /^[./]/.test(wanted) || location === null
          ? ""
          : missingPackageHint(wanted, location.file, basename(location.file));
      return hint === "" ? place + message.text : `${place}${message.text}. ${hint}`;
    })
    .join("\n");
}
