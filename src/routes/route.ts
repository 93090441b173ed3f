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

/** Routes whose paths hold what clients choose, below those that have one path each. */
export interface RouteFamily {
  /** @param path raw, but for doubled leading slashes   @returns one of few */
  find(path: string): Route | undefined;
  /** How errors are told at a path that is no route, if it is the family's. @param path as in `find` */
  tellerOf(path: string): TellError | undefined;
}

/** Finds routes by the raw path of a request. */
export class RouteTable {
  readonly #byPath: ReadonlyMap<string, Route>;
  readonly #family: RouteFamily | undefined;

  constructor(routes: readonly Route[], family?: RouteFamily) {
    this.#byPath = new Map(routes.map((route) => [route.path, route]));
    this.#family = family;
  }

  find(path: string): Route | undefined {
    // Nothing that clients choose may stand in front of a route.
    return (
      this.#byPath.get(path) ?? this.#byPath.get(decodePath(path)) ?? this.#family?.find(path.replace(SLASHES, "/"))
    );
  }

  /** How errors are told at this path. @param route that was found there */
  tellerOf(path: string, route: Route | undefined): TellError | undefined {
    return route === undefined ? this.#family?.tellerOf(path.replace(SLASHES, "/")) : route.tellError;
  }
}

const SLASHES = /^\/{2,}/;

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
  return decoded.replace(SLASHES, "/");
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
