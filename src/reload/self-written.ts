import { basename } from "node:path";
import { CONFIG_FILE_NAME, SWAGGER_FILE_NAMES } from "../config/places.ts";
import { LOGGING_FILE_NAME } from "../log/open.ts";

/** So often in a row a file may change while the script comes up: nobody edits so regularly, and each time costs a start. */
const MAX_IN_A_ROW = 5;

/** What only people write. */
const BY_HAND = /\.(?:py|[cm]?[jt]sx?)$/i;
const SETTINGS: ReadonlySet<string> = new Set([CONFIG_FILE_NAME, LOGGING_FILE_NAME, ...SWAGGER_FILE_NAMES]);

/** Finds files that the script writes each time it is loaded, which would be loaded anew for ever. */
export class SelfWritten {
  readonly #onFound: (path: string) => void;
  readonly #found = new Set<string>();
  readonly #inARow = new Map<string, number>();

  /** @param onFound called once for each */
  constructor(onFound: (path: string) => void) {
    this.#onFound = onFound;
  }

  /** The changed files that count. @param whileLoading whether a version was coming up when they changed */
  counted(paths: readonly string[], whileLoading: boolean): readonly string[] {
    const others = paths.filter((path) => !this.#found.has(path));
    const mayBeOurs = whileLoading && others.every((path) => !BY_HAND.test(path) && !SETTINGS.has(basename(path)));
    if (!mayBeOurs) {
      this.#inARow.clear();
      return others;
    }
    return others.filter((path) => {
      const count = (this.#inARow.get(path) ?? 0) + 1;
      this.#inARow.set(path, count);
      if (count <= MAX_IN_A_ROW) return true;
      this.#found.add(path);
      this.#onFound(path);
      return false;
    });
  }
}
