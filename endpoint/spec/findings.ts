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
  readonly #problems = new Map<string, { path: Path; problem: SpecProblem }>();
  readonly #warnings: string[];

  /** @param origin the file's name, or what brings the document */
  constructor(yaml: YamlFile | null, origin: string, overrides: readonly Override[] = []) {
    this.#yaml = yaml;
    this.#origin = origin;
    this.#overrides = overrides;
    this.#warnings = (yaml?.warnings ?? []).map(oneLine);
  }

  problem(path: Path, message: string, cure = "", at: "key" | "value" = "value"): void {
    const id = path.join("\0");
    if (!this.#problems.has(id)) this.#problems.set(id, { path, problem: this.#place(path, message, cure, at) });
  }

  /** @param message with the cure in it: a warning is one line */
  warn(path: Path, message: string, at: "key" | "value" = "value"): void {
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

  /** In the order of the file, what the command line brings first. */
  get problems(): SpecProblem[] {
    return [...this.#problems.values()]
      .map(({ problem }) => problem)
      .sort((one, other) => (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0));
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  #place(path: Path, message: string, cure: string, at: "key" | "value"): SpecProblem {
    const flag = this.#overridden(path)?.flag;
    if (flag !== undefined) return placeless(flag, message, cure);
    return this.#yaml?.problemAt(path, at, message, cure) ?? placeless(this.#origin, message, cure);
  }

  #overridden(path: Path): Override | undefined {
    return this.#overrides.findLast(
      (override) => override.path.length <= path.length && override.path.every((step, index) => step === path[index]),
    );
  }
}
