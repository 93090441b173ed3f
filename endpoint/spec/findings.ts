import { oneLine, placeless, type SpecProblem } from "./problem.ts";
import type { Path, YamlFile } from "./yaml.ts";

/** A value that the command line sets, and the flag that sets it. */
export interface Override {
  readonly path: Path;
  readonly flag: string;
}

/** Problems and warnings of one document. The first problem of a place counts, so the checks with the clearest words come first. */
export class Findings {
  /** Null: the document stands in no file. */
  readonly #yaml: YamlFile | null;
  readonly #origin: string;
  readonly #overrides: readonly Override[];
  readonly #isPart: boolean;
  readonly #problems = new Map<string, SpecProblem>();
  #more = false;
  readonly #missing = new Set<string>();
  readonly #meant = new Set<string>();
  readonly #warnings: string[];

  /** @param origin where the document comes from: the name of its file, or words for messages
   *  @param isPart the file holds a part of the document; `origin` brings the rest */
  constructor(yaml: YamlFile | null, origin: string, overrides: readonly Override[] = [], isPart: boolean = false) {
    this.#yaml = yaml;
    this.#origin = origin;
    this.#overrides = overrides;
    this.#isPart = isPart;
    this.#warnings = (yaml?.warnings ?? []).map(oneLine);
  }

  /** Something is missing. Forgotten when it turns out to be there under a wrong name. */
  missing(path: Path, message: string, cure: string): void {
    this.problem(path, message, cure, "key");
    this.#missing.add(path.join("\0"));
  }

  /** A wrong key was meant to be this one, so this one is not missing. */
  meant(path: Path): void {
    this.#meant.add(path.join("\0"));
  }

  problem(path: Path, message: string, cure = "", at: "key" | "value" = "value"): void {
    const id = path.join("\0");
    if (this.#problems.size >= MAX_FOUND) this.#more = true;
    else if (!this.#problems.has(id)) this.#problems.set(id, this.#place(path, message, cure, at));
  }

  /** @param message includes the cure, because a warning is one line */
  warn(path: Path, message: string, at: "key" | "value" = "value"): void {
    if (this.#warnings.length >= MAX_FOUND) return;
    const line = oneLine(this.#place(path, message, "", at));
    if (!this.#warnings.includes(line)) this.#warnings.push(line);
  }

  /** Whether a problem is known at the path or above it. */
  has(path: Path): boolean {
    return path.length > 0 && (this.#problems.has(path.join("\0")) || this.has(path.slice(0, -1)));
  }

  /** The characters of a value in the file; undefined: it is not in the file. */
  sourceOf(path: Path): string | undefined {
    return this.#overridden(path) === undefined ? this.#yaml?.sourceOf(path) : undefined;
  }

  /** Whether problems are left out, because there are too many. */
  get isFull(): boolean {
    return this.#more;
  }

  /** In the order of the file, after those of the command line. */
  get problems(): SpecProblem[] {
    const problems = [...this.#problems]
      .filter(([id]) => !(this.#missing.has(id) && this.#meant.has(id)))
      .map(([, problem]) => problem)
      .sort((one, other) => (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0));
    return this.#more ? [...problems, placeless(this.#origin, "there are more problems")] : problems;
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  #place(path: Path, message: string, cure: string, at: "key" | "value"): SpecProblem {
    const flag = (this.#overridden(path) ?? this.#below(path))?.flag;
    if (flag !== undefined) return placeless(flag, message, cure);
    if (this.#yaml === null || (this.#isPart && !this.#yaml.has(path.slice(0, 1)))) {
      return placeless(this.#origin, message, cure);
    }
    return this.#yaml.problemAt(path, at, message, cure);
  }

  #overridden(path: Path): Override | undefined {
    return this.#overrides.findLast((override) => beginsWith(path, override.path));
  }

  /** The override that has made a map that the file does not have. */
  #below(path: Path): Override | undefined {
    if (this.#yaml?.has(path) === true) return undefined;
    return this.#overrides.find((override) => path.length > 0 && beginsWith(override.path, path));
  }
}

function beginsWith(path: Path, start: Path): boolean {
  return start.every((step, index) => step === path[index]);
}

/** Problems and warnings of a document: nobody reads more, and each costs a look at the whole text. */
const MAX_FOUND = 100;
