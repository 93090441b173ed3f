// Finds the ONNX engine, onnxruntime-node, which the user installs: with 300 MB it is no dependency.
import { dirname } from "node:path";
import { messageOf } from "../../core/thrown.ts";
import { findPackage } from "../../model/sdk.ts";
import { environment } from "./environment.ts";
import { loadFailure } from "./load-failure.ts";
import type { Ort } from "./ort.ts";

const PACKAGE = "onnxruntime-node";
/** Its script would only fetch the libraries for CUDA. */
const INSTALL = `npm install ${PACKAGE} --ignore-scripts`;
/** The first that tells types and shapes of inputs and outputs: 1.22. */
const LEAST_MINOR = 22;
/** The first that gives results their own names: 1.24. */
const NAMING_MINOR = 24;

export interface EngineOptions {
  /** True: it says what it does, past every log. */
  readonly verbose?: boolean | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

/** @param model path of the file, in or above whose folder the engine is looked for first; then in the current folder, in the
 *    application's, and beside this file, which may be a bundle
 *  @throws ScriptLoadError `ERR_MODEL_LOAD` with a hint */
export function findEngine(model: string, { verbose = false, env = environment }: EngineOptions = {}): Ort {
  const folders = [dirname(model), currentFolder(), env.AML_APP_ROOT].filter((folder) => folder !== undefined);
  const found = findPackage(PACKAGE, folders);
  if (found === undefined) {
    throw loadFailure(`an ONNX model needs the package ${PACKAGE}, which is not installed`, {
      hint: `${INSTALL}. Looked for from ${[...new Set(folders)].join(", ")} upwards, and beside scorefn.`,
    });
  }
  let engine: Ort;
  try {
    engine = found.load() as Ort;
  } catch (cause) {
    throw notLoaded(found.file, cause);
  }
  const version = engine.env.versions?.node;
  if (!isSince(LEAST_MINOR, version)) {
    const which = version === undefined ? "is" : `${version} is`;
    throw loadFailure(`${PACKAGE} ${which} too old (${found.file}): 1.${LEAST_MINOR} or newer is needed`, {
      hint: `npm install ${PACKAGE}@latest --ignore-scripts`,
    });
  }
  // What it says goes to stderr past every log, in colours (ONNX-23), and its errors are thrown all the same. It has an effect
  // only before the first session.
  if (!verbose) engine.env.logLevel = "fatal";
  return engine;
}

/** True where the results of some of the outputs come under the names of the first ones. */
export function misnamesResults({ env }: Ort): boolean {
  return !isSince(NAMING_MINOR, env.versions?.node);
}

function isSince(leastMinor: number, version = ""): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 1 || (major === 1 && minor >= leastMinor);
}

/** The folder that this process runs in may be gone. */
function currentFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/** @param system what it runs on; default: this process's */
export function notLoaded(file: string, cause: unknown, system: System = thisSystem()): Error {
  const said = messageOf(cause).split("\n", 1)[0]!;
  return loadFailure(`${PACKAGE} (${file}) cannot be loaded: ${said}`, { cause, hint: hintFor(said, system) });
}

interface System {
  readonly platform: string;
  readonly arch: string;
  /** "": not glibc but musl, or no Linux. */
  readonly glibc: string;
}

function thisSystem(): System {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return { platform: process.platform, arch: process.arch, glibc: header?.glibcVersionRuntime ?? "" };
}

/** What the engine has no library for (ONNX-26). */
function hintFor(said: string, { platform, arch, glibc }: System): string {
  if (platform === "linux" && glibc === "") {
    return `${PACKAGE} has no library for musl (Alpine); take an image with glibc, such as node:22-slim.`;
  }
  if (/GLIBC(XX)?_\d/.test(said)) {
    return `${PACKAGE} needs glibc 2.28 or newer and this system has ${glibc}; take a newer system, such as Debian 12 or Amazon Linux 2023.`;
  }
  if (platform === "darwin" && arch === "x64") {
    return `newer ${PACKAGE} have no library for Macs with Intel processors: npm install ${PACKAGE}@1.22.0 --ignore-scripts`;
  }
  const isMissing = /Cannot find module|cannot open shared object|No such file/.test(said);
  if (isMissing)
    return `it has no library for ${platform} ${arch}, or is not complete; install it on this system: ${INSTALL}`;
  return `install it anew: ${INSTALL}`;
}
