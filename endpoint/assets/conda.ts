// Conda's description of an environment, as Azure ML's files have it, turned into a list for pip.
import { parse } from "yaml";
import { problem } from "./problem.ts";

export interface CondaPackages {
  /** Lines for pip. */
  readonly lines: readonly string[];
  /** What the file asks of Python, like `=3.10` or `>=3.9,<3.12`; undefined: nothing. */
  readonly python: string | undefined;
  /** Entries that pip has no counterpart of, as they stand in the file. */
  readonly untranslated: readonly string[];
}

/** Packages that have another name on PyPI. */
const RENAMED: Readonly<Record<string, string>> = {
  pytorch: "torch",
  "pytorch-cpu": "torch",
  "pytorch-gpu": "torch",
  "py-xgboost": "xgboost",
  "py-xgboost-cpu": "xgboost",
  "py-opencv": "opencv-python-headless",
  opencv: "opencv-python-headless",
  "msgpack-python": "msgpack",
  "tensorflow-mkl": "tensorflow",
  huggingface_hub: "huggingface-hub",
  "matplotlib-base": "matplotlib",
  "python-graphviz": "graphviz",
  "onnxruntime-cpu": "onnxruntime",
  "pyarrow-core": "pyarrow",
};

/** Packages of a system or a compiler, and those that need no line. */
const NOT_PYTHON =
  /^(?:_.*|lib.*|r-.*|cuda.*|cudnn|cudatoolkit|gcc.*|gxx.*|openssl|ca-certificates|mkl|blas|openblas|nodejs|cmake|make|git|ffmpeg|zlib|bzip2|xz|sqlite|tk|readline|ncurses|openjdk|pytorch-cuda|pytorch-mutex|cpuonly|llvm-openmp|intel-openmp|tbb)$/;

/** An entry of a list as a line. One that is not a text becomes JSON, which nothing takes for a package. */
export function entryText(entry: unknown): string {
  return typeof entry === "object" ? JSON.stringify(entry) : String(entry);
}

/** The parts of such a file that count here. */
export interface CondaFile {
  readonly dependencies: readonly unknown[];
  readonly channels: unknown;
}

/** @param file its name, for messages   @throws ConfigError when it is not such a file */
export function readConda(text: string, file: string): CondaPackages {
  return translateConda(parseConda(text, file), file);
}

/** @throws ConfigError */
export function parseConda(text: string, file: string): CondaFile {
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    throw problem(`${file} cannot be read: ${(cause as Error).message.split("\n")[0]!.replace(/:$/, "")}`);
  }
  return checkConda(content, file);
}

/** @throws ConfigError */
export function checkConda(content: unknown, file: string): CondaFile {
  const { dependencies, channels } = (content ?? {}) as { dependencies?: unknown; channels?: unknown };
  if (!Array.isArray(dependencies)) throw problem(`${file} has no list "dependencies"; conda's files need one`);
  const long = dependencies.find((entry) => typeof entry === "string" && entry.length > MAX_ENTRY_CHARS);
  if (long !== undefined) {
    const shown = `${(long as string).slice(0, SHOWN_CHARS)}…`;
    throw problem(`${file}: ${shown} has more than ${MAX_ENTRY_CHARS} characters, which no package needs`);
  }
  return { dependencies, channels };
}

/** Characters of an entry: a package, its version and build have some dozens. Entries are taken apart by expressions that are slow
 *  on long texts. */
const MAX_ENTRY_CHARS = 500;
const SHOWN_CHARS = 60;

/** @throws ConfigError where conda says what pip cannot */
export function translateConda({ dependencies }: CondaFile, file: string): CondaPackages {
  const lines: string[] = [];
  const untranslated: string[] = [];
  let python: string | undefined;
  for (const entry of dependencies) {
    if (typeof entry === "object" && entry !== null) {
      const { pip } = entry as { pip?: unknown };
      if (Array.isArray(pip)) lines.push(...pip.map(entryText));
      else untranslated.push(JSON.stringify(entry));
      continue;
    }
    const { name, version } = splitEntry(String(entry));
    if (name === "python") python = version;
    else if (name === "pip") continue;
    else if (name === undefined || NOT_PYTHON.test(name)) untranslated.push(String(entry));
    else if (version.includes("|")) {
      throw problem(`${file}: ${entry}: pip has no "or" between versions; write one range, such as >=1.2,<2`);
    } else lines.push(`${RENAMED[name] ?? name}${toPip(version)}`);
  }
  return { lines, python, untranslated };
}

/** `conda-forge::numpy=1.26`, `numpy 1.26.*`, `numpy>=1.20,<2`, `numpy[version=">=1"]`. */
export function splitEntry(entry: string): { name?: string; version: string } {
  // `name version build`, with blanks: pip knows no builds.
  const text = entry
    .trim()
    .replace(/^[^\s=<>!~[]+::/, "")
    .replace(/^(\S+\s+[\d][^\s,|]*)\s+[^\s,|]+$/, "$1");
  const bracket = /^([A-Za-z0-9_.-]+)\s*\[.*\bversion=(['"])(.*?)\2.*\]$/.exec(text);
  if (bracket !== null) return { name: bracket[1]!.toLowerCase(), version: bracket[3]! };
  const [, name, rest = ""] =
    /^([A-Za-z0-9_.-]+?)(?:\s*([=<>!~].*)|\s+(\S.*))?$/.exec(text.replace(/\s+(?=[\d*])/, "=")) ?? [];
  return name === undefined ? { version: "" } : { name: name.toLowerCase(), version: rest.trim() };
}

/** A conda version for pip: `=1.3` means 1.3 and all that begins with `1.3.`; the name of a build is dropped. */
function toPip(version: string): string {
  if (version === "" || version === "*" || version === "=*") return "";
  const fuzzy = /^=\s*([^=<>!~,|\s]+?)(=\S+)?$/.exec(version);
  if (fuzzy !== null) {
    const [, number = "", buildName] = fuzzy;
    return buildName === undefined ? `==${number.replace(/\.?\*$/, "")}.*` : `==${number}`;
  }
  const exact = /^==\s*([^=<>!~,|\s]+)(?:=\S+)?$/.exec(version);
  return exact === null ? version.replace(/\s+/g, "") : `==${exact[1]}`;
}
