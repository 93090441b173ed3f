import { BadInputError, type ScoreError } from "../core/errors.ts";
import type { RequestIds } from "../core/headers.ts";
import type { ScoreRequest, ScoreResponse } from "../core/types.ts";
import type { ResponseSettings } from "./respond.ts";

/** One row of the table of routes. */
export interface Route {
  /** In a family it stands for many, with names in braces: what records and figures call it. */
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
  /** Tells of errors in the words of the route's protocol. Default: `{"message": …}`. */
  readonly tellError?: TellError;
  /** @throws ScoreError, which becomes the answer */
  handle(request: ScoreRequest, ids: RequestIds): ScoreResponse | Promise<ScoreResponse>;
}

/** The answer to a request that failed. */
export type TellError = (error: ScoreError, ids: RequestIds, settings: ResponseSettings) => ScoreResponse;

/** Routes whose paths have a beginning in common, and parts that clients choose. */
export interface RouteFamily {
  /** Ends with a slash. */
  readonly prefix: string;
  /** Also of what is below the prefix and no route. */
  readonly tellError: TellError;
  /** @param path raw, but for a doubled leading slash   @returns one of few */
  find(path: string): Route | undefined;
}

/** Finds routes by the raw path of a request. */
export class RouteTable {
  readonly #byPath: ReadonlyMap<string, Route>;
  readonly #families: readonly RouteFamily[];

  constructor(routes: readonly Route[], families: readonly RouteFamily[] = []) {
    this.#byPath = new Map(routes.map((route) => [route.path, route]));
    this.#families = families;
  }

  find(path: string): Route | undefined {
    const route = this.#byPath.get(path);
    if (route !== undefined) return route;
    // Those that have a plain path come first: nothing that clients choose may stand in front of them.
    const decoded = this.#byPath.get(decodePath(path));
    return decoded === undefined && this.#families.length > 0
      ? this.#familyOf(path)?.find(withOneSlash(path))
      : decoded;
  }

  /** How errors are told at this path. @param route that was found there */
  tellerOf(path: string, route: Route | undefined): TellError | undefined {
    if (route !== undefined) return route.tellError;
    return this.#families.length === 0 ? undefined : this.#familyOf(path)?.tellError;
  }

  #familyOf(path: string): RouteFamily | undefined {
    const local = withOneSlash(path);
    return this.#families.find(({ prefix }) => local.startsWith(prefix));
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
  return withOneSlash(decoded);
}

function withOneSlash(path: string): string {
  return path.replace(/^\/{2,}/, "/");
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
