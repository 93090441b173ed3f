import { BadInputError, type ScoreError } from "../core/errors.ts";
import type { RequestIds } from "../core/headers.ts";
import type { ScoreRequest, ScoreResponse } from "../core/types.ts";

/** One row of the table of routes. */
export interface Route {
  readonly path: string;
  /** In the order of `Allow`. A request with another one gets 405. */
  readonly methods: readonly string[];
  /** True: each answer leaves a record in the server's log (contract LOG-9). */
  readonly logged: boolean;
  /** True: nobody needs a key to ask, where there are keys. */
  readonly public: boolean;
  /** False: whatever the body holds, the answer is the same. */
  readonly takesBody: boolean;
  /** True: OPTIONS goes to `handle`, too. Otherwise it gets `Allow`. */
  readonly handlesOptions?: true;
  /** @throws ScoreError, which becomes the answer */
  handle(request: ScoreRequest, ids: RequestIds): ScoreResponse | Promise<ScoreResponse>;
}

/** Finds routes by the raw path of a request. */
export class RouteTable {
  readonly #byPath: ReadonlyMap<string, Route>;

  constructor(routes: readonly Route[]) {
    this.#byPath = new Map(routes.map((route) => [route.path, route]));
  }

  find(path: string): Route | undefined {
    return this.#byPath.get(path) ?? this.#byPath.get(decodePath(path));
  }
}

/** Percent-decoded, a doubled leading slash read as one (contract RT-7). */
export function decodePath(path: string): string {
  let decoded = path;
  if (path.includes("%")) {
    try {
      decoded = decodeURIComponent(path);
    } catch {
      // Bad escapes stay literal.
    }
  }
  return decoded.replace(/^\/{2,}/, "/");
}

export function notFound(): ScoreError {
  return new BadInputError(
    "ERR_NOT_FOUND",
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.",
  );
}

export function methodNotAllowed(): ScoreError {
  return new BadInputError("ERR_METHOD", "The method is not allowed for the requested URL.");
}
