// The user's TypeScript in a bundle: compiled file by file as the server does it, then put together.
import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname } from "node:path";
import type { Message, Plugin } from "esbuild";
import { type Compiled, CompileError, compile, formatOf, isTypeScript, withMap } from "../src/host.ts";

const NAMESPACE = "script";
/** Tells the bundler what kind of module it is: by it, what `import x from` takes of a CommonJS package is Node's. */
const SUFFIXES = { module: ".mjs", commonjs: ".cjs" };

export interface CompilePlugin {
  readonly plugin: Plugin;
  /** A failure's place in the source, where the bundler tells that in the compiled file. */
  sourceOf(message: Pick<Message, "location">): Message["location"];
}

/** @param placeOf path that a file of the user's will have, from the bundle's folder */
export function compilePlugin(target: string, placeOf: (path: string) => string): CompilePlugin {
  const maps = new Map<string, Compiled["map"]>();
  const own = (path: string): string => path.replace(/(?<=tsx?)\.[cm]js$/, "");
  const plugin: Plugin = {
    name: "compile",
    setup(build) {
      build.onResolve({ filter: /./ }, async ({ path, pluginData, importer, namespace, ...rest }) => {
        if (pluginData === NAMESPACE || namespace === "left-out" || isInPackage(importer)) return undefined;
        const from = { importer: own(importer), namespace: "file", pluginData: NAMESPACE };
        const found = await build.resolve(path, { ...rest, ...from });
        if (found.external || found.namespace !== "file" || !isTypeScript(found.path) || isInPackage(found.path)) {
          return undefined;
        }
        if (found.errors.length > 0) return { errors: found.errors };
        const suffix = SUFFIXES[formatOf(found.path, readFileSync(found.path, "utf8"))];
        return { path: found.path + suffix, namespace: NAMESPACE, sideEffects: found.sideEffects };
      });
      build.onLoad({ filter: /./, namespace: NAMESPACE }, async ({ path }) => {
        const file = own(path);
        try {
          const compiled = await compile(file, { target, place: placeOf(file) });
          maps.set(file, compiled.map);
          return { contents: withMap(compiled), loader: "js", resolveDir: dirname(file) };
        } catch (error) {
          if (!(error instanceof CompileError)) throw error;
          return { errors: [...error.errors] };
        }
      });
    },
  };
  return { plugin, sourceOf };

  function sourceOf({ location }: Pick<Message, "location">): Message["location"] {
    const file = location === null ? "" : own(location.file.slice(`${NAMESPACE}:`.length));
    const map = maps.get(file);
    if (location === null || map === undefined) return location;
    const entry = new SourceMap(map as never).findEntry(location.line - 1, location.column);
    if (!("originalLine" in entry)) return { ...location, file };
    return { ...location, file, line: entry.originalLine + 1, column: entry.originalColumn };
  }
}

function isInPackage(path: string): boolean {
  return /[\\/]node_modules[\\/]/.test(path);
}
