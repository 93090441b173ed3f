import { oneLine, placeless, type SpecProblem } from "./problem.ts";
import type { Path, YamlFile } from "./yaml.ts";

/** A value that the command line sets, and the words that set it. */
export interface Override {
  readonly path: Path;
  readonly flag: string;
}

/** What the checks of one document find. The first problem of a place counts: the checks with the clearest words come first. */
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

  /** @param origin the file's name, or what brings the document
   *  @param isPart the file holds a part of the document; `origin` brings the rest */
  constructor(yaml: YamlFile | null, origin: string, overrides: readonly Override[] = [], isPart: boolean = false) {
    this.#yaml = yaml;
    this.#origin = origin;
    this.#overrides = overrides;
    this.#isPart = isPart;
    this.#warnings = (yaml?.warnings ?? []).map(oneLine);
  }

  /** Something that is not there; forgotten when it stands there under a wrong name. */
  missing(path: Path, message: string, cure: string): void {
    this.problem(path, message, cure, "key");
    this.#missing.add(path.join("\0"));
  }

  /** A key was meant for another one, which nobody has to miss then. */
  meant(path: Path): void {
    this.#meant.add(path.join("\0"));
  }

  problem(path: Path, message: string, cure = "", at: "key" | "value" = "value"): void {
    const id = path.join("\0");
    if (this.#problems.size >= MAX_FOUND) this.#more = true;
    else if (!this.#problems.has(id)) this.#problems.set(id, this.#place(path, message, cure, at));
  }

  /** @param message with the cure in it: a warning is one line */
  warn(path: Path, message: string, at: "key" | "value" = "value"): void {
    if (this.#warnings.length >= MAX_FOUND) return;
    const line = oneLine(this.#place(path, message, "", at));
    if (!this.#warnings.includes(line)) this.#warnings.push(line);
  }

  /** Whether a problem is known of what stands at a path, or around it. */
  has(path: Path): boolean {
    return path.length > 0 && (this.#problems.has(path.join("\0")) || this.has(path.slice(0, -1)));
  }

  /** The characters in the file; undefined: none stand there. */
  sourceOf(path: Path): string | undefined {
    return this.#overridden(path) === undefined ? this.#yaml?.sourceOf(path) : undefined;
  }

  /** Whether more problems would not be kept. */
  get isFull(): boolean {
    return this.#more;
  }

  /** In the order of the file, what the command line brings first. */
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

  /** What has made a map that the file does not have. */
  #below(path: Path): Override | undefined {
    if (this.#yaml?.has(path) === true) return undefined;
    return this.#overrides.find((override) => path.length > 0 && beginsWith(override.path, path));
  }
}

function beginsWith(path: Path, start: Path): boolean {
  return start.every((step, index) => step === path[index]);
}

/** Problems and warnings of a document: more is not read, and each costs a look at the whole text. */
const MAX_FOUND = 100;
