// The control page and what it asks for. Loopback is no wall: every page that a browser on this machine shows can send requests
// here, so what is answered depends on the host that was asked for, on where the request comes from, and on a token.
import { createHash, timingSafeEqual } from "node:crypto";
import {
  type HeaderList,
  pageHeaders,
  type ScoreRequest,
  type ScoreResponse,
  type Scorer,
  toScoreError,
} from "../../src/host.ts";
import type { EndpointReport, Shares } from "../types.ts";
import { isForeign, isOwnHost } from "./origin.ts";
import { readStaticFile } from "./static-files.ts";
import { readTraffic } from "./traffic.ts";

/** What the page shows and changes. */
export interface PageApi {
  report(): EndpointReport;
  /** @param traffic lower-case names and percentages   @throws ScoreError that says which shares are not possible */
  setTraffic(traffic: Shares, mirrorTraffic: Shares): Promise<void>;
}

export interface PageSettings {
  /** What the page's address holds behind `#token=`. */
  readonly token: string;
  /** Names of this machine beside those of loopback that browsers may use. */
  readonly hosts?: readonly string[];
}

interface Row {
  readonly methods: readonly string[];
  readonly handle: (request: ScoreRequest) => ScoreResponse | Promise<ScoreResponse>;
}

const COMMON_HEADERS: HeaderList = [
  // No text becomes a part of the page.
  ...pageHeaders(["img-src 'self'", "require-trusted-types-for 'script'", "trusted-types 'none'"]),
  ["Cache-Control", "no-store"],
];

/** A scorer, so that it can be listened for like one.
 *  @throws Error without a token */
export function createPageRoutes(api: PageApi, { token, hosts = [] }: PageSettings): Scorer {
  if (token === "") throw new Error("the control page needs a token");
  const expected = digestOf(token);
  const rows: Readonly<Record<string, Row>> = {
    "/api/report": { methods: ["GET", "HEAD"], handle: () => jsonAnswer(200, api.report()) },
    "/api/traffic": { methods: ["POST"], handle: setTraffic },
  };

  async function setTraffic({ headers, body }: ScoreRequest): Promise<ScoreResponse> {
    if (!/^application\/json(?:\s*;|$)/i.test(headers["content-type"] ?? "")) {
      return problem(415, "ERR_MEDIA_TYPE", "the content type must be application/json");
    }
    const { traffic, mirrorTraffic = api.report().mirrorTraffic } = readTraffic(body);
    await api.setTraffic(traffic, mirrorTraffic);
    const now = api.report();
    return jsonAnswer(200, { traffic: now.traffic, mirrorTraffic: now.mirrorTraffic });
  }

  async function handle(request: ScoreRequest): Promise<ScoreResponse> {
    try {
      return await answer(request);
    } catch (error) {
      return failure(error);
    }
  }

  function answer(request: ScoreRequest): ScoreResponse | Promise<ScoreResponse> {
    const { method, path, headers } = request;
    // DNS rebinding: another site's name that leads here.
    if (!isOwnHost(headers.host, hosts)) return problem(403, "ERR_FORBIDDEN", "this page is for this machine only");
    if (!path.startsWith("/api/")) return staticAnswer(method, path);
    if (isForeign(headers)) return problem(403, "ERR_FORBIDDEN", "requests from other pages are refused");
    if (!isToken(headers.authorization)) {
      return problem(401, "ERR_TOKEN", "the token is missing or wrong", [["WWW-Authenticate", "Bearer"]]);
    }
    const row = Object.hasOwn(rows, path) ? rows[path] : undefined;
    if (row === undefined) return problem(404, "ERR_NOT_FOUND", `${path} does not exist`);
    if (!row.methods.includes(method)) return notAllowed(row.methods);
    return row.handle(request);
  }

  function isToken(authorization: string | undefined): boolean {
    const given = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    return given !== undefined && timingSafeEqual(digestOf(given), expected);
  }

  return {
    handle,
    refuse: (_, error) => failure(error),
    failed: (_, error) => failure(error),
    takesBody: ({ method, path }) =>
      Object.hasOwn(rows, path) && method === "POST" && rows[path]!.methods.includes("POST"),
    refusal: () => undefined,
    flush() {},
  };
}

/** No length is told by the time that it takes to compare digests. */
function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

async function staticAnswer(method: string, path: string): Promise<ScoreResponse> {
  const file = await readStaticFile(path);
  if (file === undefined) return problem(404, "ERR_NOT_FOUND", "this page does not exist");
  if (method !== "GET" && method !== "HEAD") return notAllowed(["GET", "HEAD"]);
  return { status: 200, headers: [["Content-Type", file.contentType], ...COMMON_HEADERS], body: file.bytes };
}

function notAllowed(methods: readonly string[]): ScoreResponse {
  return problem(405, "ERR_METHOD", `${methods.join(" or ")} is required`, [["Allow", methods.join(", ")]]);
}

/** What the control refuses is told in its own words. */
function failure(thrown: unknown): ScoreResponse {
  const { status, code, message } = toScoreError(thrown);
  // A setting that cannot be is the client's here.
  return problem(status || 400, code, message);
}

function problem(status: number, code: string, message: string, more: HeaderList = []): ScoreResponse {
  return jsonAnswer(status, { error: { code, message } }, more);
}

function jsonAnswer(status: number, value: unknown, more: HeaderList = []): ScoreResponse {
  const headers: HeaderList = [["Content-Type", "application/json; charset=utf-8"], ...COMMON_HEADERS, ...more];
  return { status, headers, body: JSON.stringify(value) };
}
