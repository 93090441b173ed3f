// A host's entry with adapter and core, or a JavaScript or TypeScript score script, made one file.
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { BuildOptions, Message, Plugin } from "esbuild";
import { ConfigError, missingPackageHint, packageFile } from "../src/host.ts";
import { compilePlugin } from "./compile-plugin.ts";
import { place } from "./files.ts";
import { CREDENTIALS, leaveOutRules, namesCredentials, OWN_IGNORE_FILE } from "./left-out.ts";
import { problem } from "./out-folder.ts";
import { findPackage, isCompiled } from "./packages.ts";
import { isInside, slashed } from "./paths.ts";
import { telemetryFiles } from "./telemetry-files.ts";

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

/** Folder that src/ and adapters/ lie in: the checkout's, or dist. */
const OWN_ROOT: string = fileURLToPath(new URL("../", import.meta.url));

const OWN_FOLDERS: readonly string[] = ["src", "adapters", "functions"]
  .flatMap((folder) => [folder, `dist/${folder}`])
  .map((folder) => packageFile(folder) + sep);

/** A module of ours by its path below that folder, without extension. */
export function ownModule(path: string): string {
  return join(OWN_ROOT, `${path}${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`);
}

/** Modules that only some scripts or some requests need. A lean host has them in one file of their own beside it, loaded when
 *  the first of them is imported; what they share with the host is a third one. No two export the same name. */
export const LATE_MODULES: readonly string[] = [
  "adapters/lambda/direct-answer",
  "src/config/rare",
  "src/json/query",
  "src/json/result-fault",
  "src/json/utf8-fault",
  "src/locate/v8",
  "src/model/with-model",
  "src/routes/cors",
  "src/script/declared",
  "src/script/import-file",
  "src/script/model-directory",
  "src/script/raw-http",
  "src/script/stream",
  "src/swagger/generate",
];

/** What fetches models: a file of its own beside the host's, loaded only where there is one to fetch. */
const FETCH_FILES = { esm: "fetch-model.mjs", cjs: "fetch-model.cjs" };

/** What our own code expects to find, in a file that is a module; without an `import`, as below. */
const LEAN_BANNER = 'const require=process.getBuiltinModule("node:module").createRequire(import.meta.url);';

/** The same with what CommonJS packages expect. */
const BANNER =
  `${LEAN_BANNER.slice(0, -1)},` +
  '__filename=process.getBuiltinModule("node:url").fileURLToPath(import.meta.url),' +
  '__dirname=process.getBuiltinModule("node:path").dirname(__filename);';

/** What modules expect to find, in a file that is a CommonJS one. */
const CJS_BANNER = 'const __su=require("node:url").pathToFileURL(__filename).href;';

/** @throws ConfigError that names the places, when the script cannot be compiled */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const { build } = await import("esbuild");
  const format = options.format ?? "esm";
  const { lean = false } = options;
  const packages = new Map<string, string>();
  const script = compilePlugin(TARGET, (path) => placeOf(path, options.scriptDir));
  const telemetry = telemetryFiles(isOwn);
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
      : { format: "esm", banner: { js: lean ? LEAN_BANNER : BANNER } }),
    plugins: [
      telemetry.plugin,
      ...(lean ? [lateModules()] : []),
      ownModules(FETCH_FILES[format]),
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
    const outfile = join(dirname(options.outfile), FETCH_FILES[format]);
    await build({ ...rest, entryPoints: [ownModule("src/model/fetch")], outfile, sourcemap: false });
    await telemetry.copyTo(dirname(options.outfile));
  }
  const code = made.filter(({ path }) => !path.endsWith(".map"));
  return { bytes: code.reduce((sum, { bytes }) => sum + bytes, 0), packages: [...packages.values()] };
}

/** Whichever of them is imported, all are; and none is in reach of the host otherwise. */
function lateModules(): Plugin {
  const files = LATE_MODULES.map(ownModule);
  return {
    name: "late",
    setup(build) {
      build.onResolve({ filter: /^\.{1,2}\// }, ({ kind, path, resolveDir }) =>
        kind === "dynamic-import" && files.includes(resolve(resolveDir, path))
          ? { path: "late", namespace: "late" }
          : undefined,
      );
      const whole = ownModule("src/host");
      build.onResolve({ filter: /\/host\.[jt]s$/ }, ({ path, resolveDir }) =>
        resolve(resolveDir, path) === whole ? { path: ownModule("src/host-lean"), sideEffects: false } : undefined,
      );
      build.onLoad({ filter: /.*/, namespace: "late" }, () => ({
        contents: [
          ...files.map((file) => `export * from ${JSON.stringify(file)};`),
          `import { haveOwnFolder } from ${JSON.stringify(ownModule("src/locate/v8"))}; haveOwnFolder();`,
        ].join("\n"),
        resolveDir: OWN_ROOT,
      }));
    },
  };
}

/** `scorefn` and what lies below it are the modules that do the bundling, and what is unused of them is left out. esbuild,
 *  which compiles scripts elsewhere, is not needed any more. */
function ownModules(fetchFile: string): Plugin {
  return {
    name: "scorefn",
    setup(build) {
      build.onResolve({ filter: /^scorefn(\/|$)/ }, ({ path }) => ({
        path: ownModule(modulePath(path.slice("scorefn/".length))),
        sideEffects: false,
      }));
      // All that a bundled script imports has been found.
      build.onResolve({ filter: /\/path-alias\.[jt]s$/ }, ({ importer }) =>
        isOwn(importer) ? { path: "missingPackageHint", namespace: "left-out" } : undefined,
      );
      build.onResolve({ filter: /\/fetch\.[jt]s$/ }, ({ kind, importer }) =>
        kind === "dynamic-import" && isOwn(importer) ? { path: `./${fetchFile}`, external: true } : undefined,
      );
      build.onResolve({ filter: /^\.{1,2}\// }, ({ path, importer, resolveDir }) =>
        isOwn(importer) ? { path: resolve(resolveDir, path), sideEffects: false } : undefined,
      );
      build.onResolve({ filter: /^esbuild$/ }, ({ importer }) =>
        isOwn(importer) ? { path: "esbuild", external: true } : undefined,
      );
      // middy brings what it needs to stream, which is done without it, and which takes Node time to load.
      build.onResolve({ filter: /^node:stream/ }, ({ importer }) =>
        importer.includes("@middy/core") ? { path: "streams", namespace: "left-out" } : undefined,
      );
      // An `import` of node:http evaluates all that it exports, WebSocket included, which loads an HTTP client: 25 ms on
      // Node 22 and 24. A require() loads what is used.
      build.onResolve({ filter: /^node:/, namespace: "file" }, ({ path, importer }) =>
        isOwn(importer) || importer.includes("@middy/core")
          ? { path, namespace: "required", sideEffects: false }
          : undefined,
      );
      build.onLoad({ filter: /.*/, namespace: "required" }, async ({ path }) => ({ contents: await requiring(path) }));
      build.onLoad({ filter: /.*/, namespace: "left-out" }, ({ path }) => ({
        contents: path === "missingPackageHint" ? `export const ${path} = () => undefined;` : "module.exports = {}",
      }));
    },
  };
}

/** A module that takes from one of Node's what is imported of it, and touches nothing else. */
async function requiring(path: string): Promise<string> {
  const names = Object.keys((await import(path)) as object).filter((name) => name !== "default" && /^\w+$/.test(name));
  const members = names.map((name) => `export const ${name} = /* @__PURE__ */ (() => all.${name})();`);
  return [`const all = require(${JSON.stringify(path)});`, ...members, "export default all;"].join("\n");
}

function modulePath(path: string): string {
  if (path === "") return "src/index";
  if (path === "host") return "src/host";
  return path.startsWith("functions/") ? path : `adapters/${path}`;
}

/** Source or compiled: the maps of the compiled name the source. */
function isOwn(path: string): boolean {
  return OWN_FOLDERS.some((folder) => path.startsWith(folder));
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
