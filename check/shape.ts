// Looks at the keys of a file of checks, and says what is wrong with them.
import { bare, shown } from "../endpoint/mirror/json-values.ts";
import { nearest } from "../src/host.ts";
import { at, isMap, type Path } from "./read-values.ts";

/** Where a value stands, and who is told of what is wrong with it. */
export class Shape {
  readonly value: unknown;
  readonly path: Path;
  readonly #tell: (path: Path, message: string) => void;

  constructor(value: unknown, tell: (path: Path, message: string) => void, path: Path = []) {
    this.value = value;
    this.path = path;
    this.#tell = tell;
  }

  /** `expect.status`, as messages name it. */
  get name(): string {
    const name = this.path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
    return name.replace(/^(?:\[\d+\])?\.?/, "") || "a check";
  }

  get isThere(): boolean {
    return this.value !== undefined;
  }

  problem(message: string): undefined {
    this.#tell(this.path, message);
    return undefined;
  }

  /** What stands under a key. */
  at(key: string): Shape {
    return new Shape(at(this.value, key), this.#tell, [...this.path, key]);
  }

  item(index: number): Shape {
    return new Shape((this.value as unknown[])[index], this.#tell, [...this.path, index]);
  }

  /** @returns false when it is not a map; unknown keys are told of */
  isMapOf(known: readonly string[]): boolean {
    if (!isMap(this.value)) {
      this.problem(`${this.name} must be a map of keys, not ${shown(this.value)}`);
      return false;
    }
    const keys = this.value instanceof Map ? [...this.value.keys()] : Object.keys(this.value);
    for (const key of keys) {
      if (known.includes(key)) continue;
      const meant = nearest(key, known);
      const cure = meant === undefined ? `the keys are ${known.join(", ")}` : `did you mean ${meant}?`;
      this.#tell([...this.path, key], `${this.name} has no key ${shown(key)}; ${cure}`);
    }
    return true;
  }

  text(): string | undefined {
    if (this.value === undefined || typeof this.value === "string") return this.value;
    return this.problem(`${this.name} must be a text, not ${shown(this.value)}`);
  }

  /** A number from 0. */
  number(): number | undefined {
    if (this.value === undefined) return undefined;
    const value = bare(this.value);
    if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
    return this.problem(`${this.name} must be a number from 0, not ${shown(this.value)}`);
  }
}
