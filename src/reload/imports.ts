// Modules of a JavaScript or TypeScript script that lie elsewhere than the script: libraries of a repository, for example.
import { isBuiltin } from "node:module";
import { dirname, extname, resolve } from "node:path";
import { compiler } from "../script/compile.ts";

/** A name without extension, or with that of what is compiled from it, may be any of these. */
const ENDINGS = ["", ".ts", ".js", ".mts", ".mjs", ".cts", ".cjs", ".tsx", ".json"];

/** What the compiler passes over when it is asked by one of its own questions. */
const OWN_QUESTION = Symbol("own question");

export function isJavaScriptFile(path: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(path);
}

/** The user's files that the script imports, directly or not, by reading them: no matter whether it runs. Packages count where
 *  they are links to folders of the user's. Names that are put together at run time are not found.
 *  @returns absolute paths; of imports that lead nowhere those that would mend them */
export async function importedFiles(entryScript: string): Promise<readonly string[]> {
  const found = new Set<string>();
  let stop: (() => Promise<void>) | undefined;
  try {
    const esbuild = await compiler();
    stop = esbuild.stop;
    await esbuild.build({
      entryPoints: [entryScript],
      absWorkingDir: dirname(entryScript),
      outdir: dirname(entryScript),
      bundle: true,
      write: false,
      platform: "node",
      format: "esm",
      // Of a package's entries the one that Node takes.
      conditions: [],
      logLevel: "silent",
      plugins: [
        {
          name: "files",
          setup({ onResolve, onLoad, resolve: ask }) {
            onResolve({ filter: /.*/ }, async (question) => {
              const { path, pluginData, kind, importer, resolveDir, namespace } = question;
              if (pluginData === OWN_QUESTION || kind === "entry-point") return undefined;
              if (isBuiltin(path)) return { path, external: true };
              const answer = await ask(path, { kind, importer, resolveDir, namespace, pluginData: OWN_QUESTION });
              if (answer.errors.length === 0 && !answer.external && !isInPackage(answer.path)) return undefined;
              if (/^\.{0,2}\//.test(path)) for (const file of candidates(resolve(resolveDir, path))) found.add(file);
              return { path, external: true };
            });
            onLoad({ filter: /.*/ }, ({ path }) => {
              found.add(path);
              return /\.(?:[cm]?[jt]sx?|json)$/.test(path) ? undefined : { contents: "", loader: "empty" };
            });
          },
        },
      ],
    });
  } catch {
    // What is wrong with a file, or with the compiler, the worker tells.
  } finally {
    await stop?.();
  }
  return [...found];
}

function candidates(path: string): readonly string[] {
  const ending = extname(path);
  const stem = /^\.[cm]?js$/.test(ending) ? path.slice(0, -ending.length) : path;
  return ENDINGS.map((each) => stem + each);
}

function isInPackage(path: string): boolean {
  return /[\\/]node_modules[\\/]/.test(path);
}
