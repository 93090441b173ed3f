// scorefn's own modules in a bundle: which of them a lean host has at its start, which later, and which in files of their own.
import { existsSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "esbuild";
import { packageFile } from "../src/host.ts";

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
  "adapters/lambda/observer",
  "adapters/lambda/other-events",
  "adapters/lambda/other-results",
  "src/config/rare",
  "src/config/without-these",
  "src/docs-page/answers",
  "src/docs-page/routes",
  "src/json/query",
  "src/json/result-fault",
  "src/json/utf8-fault",
  "src/locate/v8",
  "src/log/json-style",
  "src/model/with-model",
  "src/routes/cors",
  "src/routes/script-response",
  "src/routes/stream-end",
  "src/script/announced",
  "src/script/declared",
  "src/script/import-file",
  "src/script/model-directory",
  "src/script/raw-http",
  "src/script/recorded",
  "src/script/shape-fault",
  "src/script/stream",
  "src/script/surroundings",
  "src/swagger/generate",
  "src/telemetry/telemetry",
];

/** Modules with libraries that only some settings need: each a file of its own beside the host's, by the name it gets there. */
export const OWN_FILES: Readonly<Record<string, string>> = {
  "src/model/fetch": "fetch-model",
  "src/telemetry/sdk": "telemetry-sdk",
};

/** What serves models without a script, by the names of what they export: builds with a script leave it out, others have each
 *  as a file of its own. */
export const NO_CODE: Readonly<Record<string, string>> = {
  "src/no-code/open-here": "openHere",
  "src/no-code/front/model-front": "createModelFront",
};

/** Of the libraries that host modules may hold. */
export async function takeLicences(folder: string): Promise<void> {
  const notices = packageFile("dist/LICENSES.txt");
  if (existsSync(notices)) await copyFile(notices, join(folder, "LICENSES.txt"));
}

/** Whichever of them is imported, all are; and none is in reach of the host otherwise. */
export function lateModules(): Plugin {
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
 *  which compiles scripts elsewhere, is not needed any more.
 *  @param takesModels false: there is a script, and what serves models without one is left out */
export function ownModules(extension: string, takesModels: boolean): Plugin {
  const apart = new Map(
    Object.entries(OWN_FILES).map(([module, name]) => [ownModule(module), `./${name}${extension}`]),
  );
  const unused = new Map(
    takesModels ? [] : Object.entries(NO_CODE).map(([module, exported]) => [ownModule(module), exported]),
  );
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
      build.onResolve({ filter: /\/no-code\// }, ({ path, resolveDir }) => {
        const exported = unused.get(resolve(resolveDir, path));
        return exported === undefined ? undefined : { path: exported, namespace: "left-out" };
      });
      build.onResolve({ filter: /^\.{1,2}\// }, ({ kind, path, importer, resolveDir }) => {
        const file = kind === "dynamic-import" && isOwn(importer) ? apart.get(resolve(resolveDir, path)) : undefined;
        return file === undefined ? undefined : { path: file, external: true };
      });
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
      // Node 22 and 24. To ask for the module loads what is used.
      build.onResolve({ filter: /^node:/, namespace: "file" }, ({ path, importer }) =>
        isOwn(importer) || importer.includes("@middy/core")
          ? { path, namespace: "required", sideEffects: false }
          : undefined,
      );
      build.onLoad({ filter: /.*/, namespace: "required" }, async ({ path }) => ({ contents: await requiring(path) }));
      build.onLoad({ filter: /.*/, namespace: "left-out" }, ({ path }) => ({
        contents: path === "streams" ? NO_STREAMS : `export const ${path} = () => undefined;`,
      }));
    },
  };
}

/** What middy imports of Node's streams, all of it undefined. As a module, not a CommonJS one: that would take helpers along. */
const NO_STREAMS = "export let Readable, pipeline, ReadableStream;";

/** A module that takes from one of Node's what is imported of it, and touches nothing else. */
async function requiring(path: string): Promise<string> {
  const names = Object.keys((await import(path)) as object).filter((name) => name !== "default" && /^\w+$/.test(name));
  const members = names.map((name) => `export const ${name} = /* @__PURE__ */ (() => all.${name})();`);
  return [`const all = process.getBuiltinModule(${JSON.stringify(path)});`, ...members, "export default all;"].join(
    "\n",
  );
}

function modulePath(path: string): string {
  if (path === "") return "src/index";
  if (path === "host") return "src/host";
  return path.startsWith("functions/") ? path : `adapters/${path}`;
}

/** Source or compiled: the maps of the compiled name the source. */
export function isOwn(path: string): boolean {
  return OWN_FOLDERS.some((folder) => path.startsWith(folder));
}
