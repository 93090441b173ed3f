import { readFileSync, realpathSync } from "node:fs";
import { isAbsolute, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { attempt } from "../core/attempt.ts";
import { chainOf, messageOf, stackOf, typeOf } from "../core/thrown.ts";
import type { ErrorLocation, ErrorReport } from "../core/types.ts";
import { clip, codeFrame } from "./code-frame.ts";
import { hintFor } from "./hints.ts";
import { placesOf, toPath } from "./places.ts";

/** The folders a user's own files lie in, absolute. */
export interface Roots {
  readonly appRoot: string;
  readonly scriptDir: string;
}

export interface DescribeOptions {
  /** True for failures of loading and init(). */
  readonly codeFrame?: boolean;
  /** What the script sees as `AZUREML_MODEL_DIR`, for the hint about missing files. */
  readonly modelDir?: string | null | undefined;
}

/** Finds the innermost place in the user's own files that an error, or else one of its causes, came from (contract
 *  ERR-11). Best effort; never throws. */
export function locateV8(error: unknown, roots: Roots): ErrorLocation | null {
  return attempt(() => locate(error, roots)?.location, undefined) ?? null;
}

/** Everything the log and the client may be told of an exception. Never throws.
 *  @param error whatever was thrown, not necessarily an Error */
export function describeV8(error: unknown, roots: Roots, options: DescribeOptions = {}): ErrorReport {
  const unreadable = { type: typeof error, message: "the thrown value cannot be read", traceback: "", location: null };
  return attempt(() => describe(error, roots, options), unreadable);
}

/** The product's own code is not the user's, even if it lies below the app root: this folder, or the one file it has been
 *  made. A CommonJS bundle does not know its place, and holds the user's code, too. */
let ownPlace: string = ownCode(import.meta.url);

function ownCode(url: string | undefined): string {
  if (url === undefined) return "\0";
  return fileURLToPath(/\/locate\/v8\.[jt]s$/.test(url) ? new URL("..", url) : url);
}

/** A build calls it where the product has been made several files, in a folder of their own. @public */
export function haveOwnFolder(): void {
  ownPlace = fileURLToPath(new URL(".", import.meta.url));
}

function describe(error: unknown, roots: Roots, options: DescribeOptions): ErrorReport {
  const found = attempt(() => locate(error, roots), undefined);
  const frame =
    options.codeFrame && found?.text !== undefined
      ? codeFrame(found.text, found.location.line, found.location.column)
      : "";
  const hint = attempt(() => hintFor(error, found !== undefined, options.modelDir ?? undefined), undefined);
  return {
    type: typeOf(error),
    message: messageOf(error),
    traceback: chainOf(error).map(stackOf).join("\n\nCaused by: "),
    location: found?.location ?? null,
    ...(frame === "" ? {} : { codeFrame: frame }),
    ...(hint === undefined ? {} : { hint }),
  };
}

interface Found {
  readonly location: ErrorLocation;
  /** The file's text, if it could be read. */
  readonly text: string | undefined;
}

function locate(error: unknown, roots: Roots): Found | undefined {
  const allRoots = withRealPaths(roots);
  for (const link of chainOf(error)) {
    for (const place of placesOf(link)) {
      const path = toPath(place.file);
      const file = path === undefined ? undefined : relativeToRoots(path, allRoots);
      if (path === undefined || file === undefined) continue;
      const text = attempt(() => readFileSync(path, "utf8"), undefined);
      const source = text?.split(/\r?\n/, place.line)[place.line - 1];
      return {
        location: {
          file,
          line: place.line,
          column: place.column,
          function: place.function,
          source: source === undefined ? null : clip(source.trim()),
        },
        text,
      };
    }
  }
  return undefined;
}

/** Stack traces hold real paths, settings may hold links. */
function withRealPaths({ appRoot, scriptDir }: Roots): string[] {
  const roots = [appRoot, scriptDir];
  const real = roots.map((root) => attempt(() => realpathSync(root), root));
  return [appRoot, real[0]!, scriptDir, real[1]!];
}

/** Undefined for what is not the user's own. */
function relativeToRoots(path: string, roots: readonly string[]): string | undefined {
  if (path.startsWith(ownPlace)) return undefined;
  for (const root of roots) {
    const file = relative(root, path);
    const parts = file.split(sep);
    if (file !== "" && !isAbsolute(file) && parts[0] !== "..") {
      return parts.includes("node_modules") ? undefined : parts.join("/");
    }
  }
  return undefined;
}
