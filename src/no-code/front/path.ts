// Paths of the Open Inference Protocol that name a model.

/** What is asked of a model. */
export type ModelVerb = "metadata" | "ready" | "config" | "infer";

export interface ModelPath {
  readonly name: string;
  /** Undefined: the client leaves it to the server. */
  readonly version: string | undefined;
  readonly verb: ModelVerb;
}

const MODEL_PATH = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(infer|ready|config))?$/;

/** @param path raw   @returns undefined: the path names no model */
export function readModelPath(path: string): ModelPath | undefined {
  const found = MODEL_PATH.exec(path);
  if (found === null) return undefined;
  const name = decodeSegment(found[1]!);
  const version = found[2] === undefined ? undefined : decodeSegment(found[2]);
  if (name === undefined || (found[2] !== undefined && version === undefined)) return undefined;
  return { name, version, verb: (found[3] as ModelVerb | undefined) ?? "metadata" };
}

/** The one path of such a request, for whoever reads it after us. */
export function inferPath({ name, version }: Pick<ModelPath, "name" | "version">): string {
  const at = version === undefined ? "" : `/versions/${encodeURIComponent(version)}`;
  return `/v2/models/${encodeURIComponent(name)}${at}/infer`;
}

/** Segments that a path may have had for another reason stand for nothing. */
function decodeSegment(segment: string): string | undefined {
  if (segment === "." || segment === "..") return undefined;
  if (!segment.includes("%")) return segment;
  try {
    const decoded = decodeURIComponent(segment);
    return decoded === "." || decoded === ".." || decoded.includes("/") ? undefined : decoded;
  } catch {
    return undefined;
  }
}
