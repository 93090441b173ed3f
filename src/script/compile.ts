// The one way TypeScript is compiled and found: the server's module hooks and the bundles of builds both ask here, so that
// a script that works in one works in the other. The compiler reads the tsconfig.json of each file, with all it extends.
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { BuildOptions, ImportKind, Message } from "esbuild";
import { messageOf } from "../core/thrown.ts";
import { TYPESCRIPT } from "./typescript.ts";

export interface CompileOptions {
  /** Node that is to run it, as the compiler names it. */
  readonly target: string;
  /** Path that the file will have from its bundle's folder. Default: it is run where it lies. */
  readonly place?: string | undefined;
}

export interface Compiled {
  readonly code: string;
  readonly format: "module" | "commonjs";
  /** What is wrong with tsconfig.json, but does not keep the file from being compiled: a base that is not there. */
  readonly warnings: readonly string[];
  /** Source map, with the file's address as its only source. */
  readonly map: { readonly mappings: string; readonly sources: readonly string[] };
}

/** What a file may ask about itself, in the words that a bundle has for it: see `header`. */
const OWN_PLACE = {
  __filename: "__scorefn_file",
  __dirname: "__scorefn_folder",
  "import.meta.filename": "__scorefn_file",
  "import.meta.dirname": "__scorefn_folder",
  "import.meta.url": "__scorefn_url",
};

/** What CommonJS modules have, for a module that Node runs where it lies: tsconfig.json may promise it. */
const COMMONJS_NAMES = {
  __filename: "import.meta.filename",
  __dirname: "import.meta.dirname",
  require: "__scorefn_require",
};

let loaded: Promise<typeof import("esbuild")> | undefined;

/** Loaded once: module hooks that import something while they run would ask themselves where it is. */
export function compiler(): Promise<typeof import("esbuild")> {
  loaded ??= import("esbuild");
  return loaded;
}

/** Compiles one file, a JSON one too. @throws CompileError */
export async function compile(path: string, { target, place }: CompileOptions): Promise<Compiled> {
  const { build } = await compiler();
  const source = (await readFile(path, "utf8")).replace(/^\ufeff/, "");
  const format = formatOf(path, source);
  const define = place !== undefined ? OWN_PLACE : format === "module" ? COMMONJS_NAMES : {};
  const settings: BuildOptions = {
    entryPoints: [path],
    // Relative paths in messages are then names.
    absWorkingDir: dirname(path),
    outdir: dirname(path),
    bundle: false,
    write: false,
    platform: "node",
    format: format === "module" ? "esm" : "cjs",
    target,
    define,
    sourcemap: "external",
    sourcesContent: false,
    metafile: true,
    logLevel: "silent",
  };
  const { outputFiles, metafile, warnings } = await build(settings).catch((cause: unknown) => {
    throw new CompileError(path, cause);
  });
  const [{ text: map }, { text: code }] = outputFiles as unknown as [{ text: string }, { text: string }];
  const { exports = [] } = Object.values(metafile!.outputs).find(({ entryPoint }) => entryPoint !== undefined) ?? {};
  const first = header(code, format, place);
  const parsed = JSON.parse(map) as Compiled["map"];
  return {
    code: first + code + (format === "module" ? typesOf(source, exports) : ""),
    format,
    warnings: warnings
      .filter(({ location }) => location?.file.endsWith(".json"))
      .map(({ location, text }) => `${resolve(dirname(path), location!.file)}:${location!.line}: ${text}`),
    map: { ...parsed, mappings: (first === "" ? "" : ";") + parsed.mappings, sources: [pathToFileURL(path).href] },
  };
}

const MAP_COMMENT = "//# sourceMappingURL=data:application/json;base64,";

/** The code with its map at the end, as Node and the bundler take it. */
export function withMap({ code, map }: Compiled): string {
  const text = Buffer.from(JSON.stringify(map)).toString("base64");
  return `${code}\n${MAP_COMMENT}${text}\n`;
}

/** What the compiler has to say of one file. */
export class CompileError extends Error {
  readonly errors: readonly Message[];

  constructor(path: string, cause: unknown) {
    const errors = (cause as { errors?: readonly Message[] }).errors ?? [];
    const located = errors.map(({ text, location }) => {
      const file = location === null ? path : resolve(dirname(path), location.file);
      return { text, location: location === null ? null : { ...location, file } };
    });
    // The text crosses threads; the fields do not.
    const lines = located.map(({ text, location }) =>
      location === null ? text : `${location.file}:${location.line}:${location.column}: ERROR: ${text}`,
    );
    super(
      lines.length === 0
        ? messageOf(cause)
        : `Transform failed with ${lines.length} error${lines.length === 1 ? "" : "s"}:\n${lines.join("\n")}`,
    );
    this.name = "SyntaxError";
    this.errors = located as unknown as Message[];
  }
}

/** One line that defines the names above, where the code has them. */
function header(code: string, format: Compiled["format"], place: string | undefined): string {
  if (place === undefined) {
    return format === "module" && code.includes("__scorefn_require")
      ? 'import{createRequire as __scorefn_createRequire}from"node:module";const __scorefn_require=__scorefn_createRequire(import.meta.url);\n'
      : "";
  }
  if (!/__scorefn_(?:file|folder|url)\b/.test(code)) return "";
  // `__dirname` is that of the bundle.
  return (
    `const __scorefn_file=process.getBuiltinModule("node:path").join(__dirname,${JSON.stringify(place)}),` +
    '__scorefn_folder=process.getBuiltinModule("node:path").dirname(__scorefn_file),' +
    '__scorefn_url=process.getBuiltinModule("node:url").pathToFileURL(__scorefn_file).href;\n'
  );
}

const EXPORTED_TYPE = /^export\s+(?:declare\s+\w+|interface|type)\s+([\p{ID_Continue}$]+)/gmu;
const EXPORTED_TYPES = /^export\s+type\s*\{([^{}]*)\}/gm;

/** Another file may hand on a type without saying that it is one, and the compiler, which sees one file at a time, lets
 *  that stand as a value. So types are exported as `undefined`. */
function typesOf(source: string, exported: readonly string[]): string {
  const lists = [...source.matchAll(EXPORTED_TYPES)].flatMap(([, list]) => list!.split(","));
  const names = [
    ...[...source.matchAll(EXPORTED_TYPE)].map(([, name]) => name!),
    ...lists.map((item) => /[\p{ID_Continue}$]+$/u.exec(item.trim())?.[0] ?? ""),
  ];
  const missing = [...new Set(names)].filter((name) => name !== "" && !exported.includes(name));
  if (missing.length === 0) return "";
  return `let __scorefn_type;\nexport { ${missing.map((name) => `__scorefn_type as ${name}`).join(", ")} };\n`;
}

/** What stands before it is of its own line: in a file of many empty lines each would be gone through from each. */
const COMMONJS_EXPORT = /^[^\S\r\n]*(?:module\.exports|exports\.\w+)\s*=/m;
const MODULE_STATEMENT = /^[^\S\r\n]*(?:export|import)\b/m;

/** CommonJS is what says so by its name, or has its exports and no `import` or `export`. */
export function formatOf(path: string, source: string): Compiled["format"] {
  const kind = TYPESCRIPT.exec(path)?.[1];
  if (kind === "c") return "commonjs";
  const isCommonJs = kind === "" && COMMONJS_EXPORT.test(source) && !MODULE_STATEMENT.test(source);
  return isCommonJs ? "commonjs" : "module";
}

/** The file that a bundle would take for an import: by the paths of tsconfig.json, without extension, `.js` for `.ts`, the
 *  index of a folder. Undefined: none, or a module of Node's own. */
export async function resolveImport(
  specifier: string,
  importer: string,
  kind: ImportKind,
): Promise<string | undefined> {
  const { build } = await compiler();
  let found: string | undefined;
  await build({
    stdin: { contents: "" },
    absWorkingDir: dirname(importer),
    bundle: true,
    write: false,
    platform: "node",
    // Of a package's entries the one that Node takes.
    conditions: [],
    logLevel: "silent",
    plugins: [
      {
        name: "resolve",
        setup(asked) {
          asked.onStart(async () => {
            const options = { importer, resolveDir: dirname(importer), namespace: "file", kind };
            const { path, external, errors } = await asked.resolve(specifier, options);
            if (errors.length === 0 && !external && path !== "") found = join(path);
          });
        },
      },
    ],
  });
  return found;
}
