// Module hooks, run by Node in a thread of their own: they compile each TypeScript file where it lies, so that
// `import.meta.url`, the lookup of packages and stack traces stay those of the source.
import { readFile } from "node:fs/promises";
import type { LoadHook, ResolveHook } from "node:module";
import { parse } from "node:path";
import { fileURLToPath } from "node:url";

// The compiler's process is started in the folder that is current when its library is loaded, each time. That folder may
// vanish; what is compiled does not depend on it.
const { cwd } = process;
process.cwd = () => parse(process.execPath).root;
const { build, stop, transform } = await import("esbuild");
process.cwd = cwd;

const TYPESCRIPT = /\.([cm]?)tsx?$/;

/** The compiler is a process of about 11 MB. It is ended when nothing has been compiled for so many milliseconds: a script's
 *  files follow each other faster, and most scripts compile nothing once they are loaded. To start it takes 10 ms. */
const COMPILER_IDLE_MS = 1_000;

/** Above so many characters transform() hands the source over in a temporary file, which stays when this process is killed. */
const MAX_TRANSFORM_CHARS = 1024 * 1024;

interface CompileOptions {
  readonly loader: "ts" | "tsx";
  readonly format: "cjs" | "esm";
  /** Address of the source. */
  readonly sourcefile: string;
}

const SHARED = { target: `node${process.versions.node}`, sourcesContent: false };

let underWay = 0;
let idle: NodeJS.Timeout | undefined;

/** `./helper` and `./helper.js` may mean helper.ts; `scorefn` is the one that runs the script, installed beside it or not. */
export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    if (specifier === "scorefn") return nextResolve(specifier, { ...context, parentURL: import.meta.url });
    if (!/^\.{1,2}\//.test(specifier)) throw error;
    const stem = specifier.replace(/\.([cm]?)js$/, ".$1ts");
    for (const candidate of [stem, `${specifier}.ts`, `${specifier}/index.ts`]) {
      try {
        return await nextResolve(candidate, context);
      } catch {
        // The first error names what the author wrote.
      }
    }
    throw error;
  }
};

export const load: LoadHook = async (url, context, nextLoad) => {
  const kind = url.startsWith("file:") ? TYPESCRIPT.exec(url.split("?", 1)[0]!)?.[1] : undefined;
  if (kind === undefined) return nextLoad(url, context);
  const path = fileURLToPath(url);
  const source = await readFile(path, "utf8");
  const commonjs = kind === "c" || (kind === "" && isCommonJs(source));
  const code = await compile(source, {
    loader: path.endsWith("x") ? "tsx" : "ts",
    format: commonjs ? "cjs" : "esm",
    sourcefile: url,
  });
  return { format: commonjs ? "commonjs" : "module", source: code, shortCircuit: true };
};

async function compile(source: string, options: CompileOptions): Promise<string> {
  clearTimeout(idle);
  underWay += 1;
  try {
    return source.length > MAX_TRANSFORM_CHARS
      ? await compileBig(source, options)
      : (await transform(source, { ...SHARED, ...options, sourcemap: "inline" })).code;
  } finally {
    underWay -= 1;
    if (underWay === 0) idle = setTimeout(() => void stop(), COMPILER_IDLE_MS).unref();
  }
}

/** Gives what transform() would. */
async function compileBig(source: string, { loader, format, sourcefile }: CompileOptions): Promise<string> {
  const { outputFiles } = await build({
    ...SHARED,
    format,
    stdin: { contents: source, loader, sourcefile },
    sourcemap: "external",
    outfile: "out.js",
    write: false,
    logLevel: "silent",
    // No tsconfig.json is looked for.
    tsconfigRaw: {},
  });
  const [map, code] = outputFiles.map(({ text }) => text);
  // build() makes a path relative to the current folder of it.
  const own = JSON.stringify({ ...JSON.parse(map!), sources: [sourcefile] });
  return `${code}//# sourceMappingURL=data:application/json;base64,${Buffer.from(own).toString("base64")}\n`;
}

function isCommonJs(source: string): boolean {
  return /^\s*(module\.exports|exports\.\w+)\s*=/m.test(source) && !/^\s*(export|import)\b/m.test(source);
}
