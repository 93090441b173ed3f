// The page to try a script with: what is sent, to whom, and for how long it may be kept.
import { brotliDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { docsRoutes, PAGE_FILES } from "../../../src/docs-page/routes.ts";
import type { HeaderList, ScoreRequest, ScoreResponse } from "../../../src/host.ts";
import { createService, headerOf } from "../../setup/service.ts";

const ON = { SCOREFN_DOCS: "/docs" };
const { runtime: RUNTIME } = createService("echo.ts", {});
const settingsWith = (docsPath: string | null) =>
  ({ docsPath, errorDetail: "full", readyPath: "/ready", serverVersion: null, swaggerFiles: [] }) as const;

/** @param env settings of a service whose script is never started */
function pageOf(env: Readonly<Record<string, string>>) {
  const { scorer } = createService("echo.ts", env);
  return async (path: string, more: Partial<ScoreRequest> = {}): Promise<ScoreResponse> =>
    scorer.handle({ method: "GET", path, query: "", headers: {}, body: new Uint8Array(), ...more });
}

const textOf = ({ body }: ScoreResponse): string =>
  typeof body === "string" ? body : Buffer.from(body as Uint8Array).toString();

/** Addresses in the page, by attribute. */
const linksIn = (html: string): string[] => [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, link]) => link!);

const digestIn = (html: string): string => /data-digest="(\w+)"/.exec(html)![1]!;

describe("off, as it is by default", () => {
  test.each([undefined, "off", "OFF", ""])("SCOREFN_DOCS=%j: there is no such path", async (value) => {
    const get = pageOf(value === undefined ? {} : { SCOREFN_DOCS: value });
    for (const path of ["/docs", "/docs/", "/docs/page.js"]) expect(await get(path)).toMatchObject({ status: 404 });
  });

  test("there is no row for it", () => {
    expect(docsRoutes(settingsWith(null), RUNTIME)).toEqual([]);
  });
});

describe("on", () => {
  test("the page needs what /score needs, its files nobody's leave", () => {
    const rows = docsRoutes(settingsWith("/docs"), RUNTIME);
    const open = rows.filter((row) => row.public).map(({ path }) => path);
    expect(open).toEqual(["ready", ...PAGE_FILES].map((name) => `/docs/${name}`));
    expect(rows.filter((row) => row.logged || row.takesBody)).toEqual([]);
  });

  test("all that the page names is there, and is relative", async () => {
    const get = pageOf(ON);
    const page = await get("/docs");
    expect(page.status).toBe(200);
    expect(headerOf(page.headers, "content-type")).toBe("text/html; charset=utf-8");
    const html = textOf(page);
    expect(html).not.toMatch(/%[A-Z]+%/);
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|\bstyle=|\son\w+=/);
    const links = linksIn(html);
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) {
      const url = new URL(link, "http://host.example/prefix/docs");
      expect(url.href).toMatch(/^http:\/\/host\.example\/prefix\//);
      if (url.pathname.endsWith("swagger.json")) continue;
      const found = await get(url.pathname.slice("/prefix".length), { query: url.search.slice(1) });
      expect([link, found.status]).toEqual([link, 200]);
    }
  });

  test("nothing else is served", async () => {
    const get = pageOf(ON);
    for (const name of [
      "index.html",
      "digest.txt",
      "page.js.br",
      "../score",
      "..%2fdigest.txt",
      "__proto__",
      "%2e%2e/x",
    ]) {
      expect([name, (await get(`/docs/${name}`)).status]).toEqual([name, 404]);
    }
  });

  test.each(["/docs", ...PAGE_FILES.map((name) => `/docs/${name}`)])(
    "%s has the policy, and HEAD and OPTIONS",
    async (path) => {
      const get = pageOf(ON);
      const { headers } = await get(path);
      const policy = headerOf(headers, "content-security-policy")!;
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; /);
      for (const part of ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "img-src 'self' data:"]) {
        expect(policy.split("; ")).toContain(part);
      }
      expect(policy).not.toContain("unsafe");
      expect(headerOf(headers, "x-content-type-options")).toBe("nosniff");
      expect(headerOf(headers, "referrer-policy")).toBe("no-referrer");
      expect(headerOf(headers, "cross-origin-resource-policy")).toBe("same-origin");
      expect(await get(path, { method: "HEAD" })).toMatchObject({ status: 200 });
      const options = await get(path, { method: "OPTIONS" });
      expect([options.status, headerOf(options.headers, "allow")]).toEqual([200, "GET, OPTIONS, HEAD"]);
    },
  );

  test.each(["POST", "PUT", "DELETE"])("%s gets 405", async (method) => {
    for (const path of ["/docs", "/docs/", "/docs/page.js"]) {
      const refused = await pageOf(ON)(path, { method });
      expect([refused.status, headerOf(refused.headers, "allow")]).toEqual([405, "GET, OPTIONS, HEAD"]);
    }
  });

  test("a slash too many leads to the page, behind a prefix, too", async () => {
    const { status, headers } = await pageOf({ SCOREFN_DOCS: "/a/try-it" })("/a/try-it/");
    expect(status).toBe(308);
    const to = headerOf(headers, "location")!;
    expect(new URL(to, "https://host.example/prefix/a/try-it/").pathname).toBe("/prefix/a/try-it");
  });
});

describe("addresses", () => {
  const wordsOf = async (env: Readonly<Record<string, string>>, path: string) =>
    Object.fromEntries(
      [...textOf(await pageOf(env)(path)).matchAll(/data-(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    );

  test.each([
    ["/docs", "/", "docs"],
    ["/a/docs", "/", "docs"],
    ["/a/b/c", "/", "c"],
  ])("of a page at %s lead to the server's root", async (path, root, files) => {
    const words = await wordsOf({ SCOREFN_DOCS: path }, path);
    expect(words.files).toBe(files);
    expect(new URL(words.root!, `http://host.example${path}`).pathname).toBe(root);
  });

  test("what the page asks for all the time is the state, and stands in no access log", async () => {
    const state = await pageOf(ON)("/docs/ready");
    expect(state).toMatchObject({ isUnrecorded: true });
    expect(JSON.parse(textOf(state))).toHaveProperty("state");
  });
});

describe("how long files are kept", () => {
  const cacheControl = (headers: HeaderList) => headerOf(headers, "cache-control");

  test("for ever at an address with their digest, not at all at another", async () => {
    const get = pageOf(ON);
    const page = await get("/docs");
    expect(cacheControl(page.headers)).toBe("no-store");
    const query = `v=${digestIn(textOf(page))}`;
    expect(cacheControl((await get("/docs/page.js", { query })).headers)).toBe("public, max-age=31536000, immutable");
    for (const other of ["", "v=", "v=0123456789abcdef", `${query}x`]) {
      expect(cacheControl((await get("/docs/page.js", { query: other })).headers)).toBe("no-store");
    }
  });

  test.each<[accepts: string | undefined, encoding: string | undefined]>([
    ["gzip, deflate, br, zstd", "br"],
    ["br", "br"],
    ["BR;q=0.5", "br"],
    ["gzip, deflate", undefined],
    ["br;q=0", undefined],
    ["gzip, br; q=0.0", undefined],
    ["brotli", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("who accepts %j gets %j", async (accepts, encoding) => {
    const get = pageOf(ON);
    const headers: Record<string, string> = accepts === undefined ? {} : { "accept-encoding": accepts };
    for (const name of PAGE_FILES) {
      const found = await get(`/docs/${name}`, { headers });
      expect(headerOf(found.headers, "content-encoding")).toBe(encoding);
      expect(headerOf(found.headers, "vary")).toBe("Accept-Encoding");
      const plain = await get(`/docs/${name}`);
      const bytes = Buffer.from(found.body as Uint8Array);
      const got = encoding === undefined ? bytes : brotliDecompressSync(bytes);
      // Not as values: there are 1.7 million of them.
      expect(got.equals(plain.body as Uint8Array)).toBe(true);
      expect(got.length).toBeGreaterThan(100);
    }
  });

  test("nothing asks a browser for a source map", async () => {
    const get = pageOf(ON);
    for (const name of PAGE_FILES) expect(textOf(await get(`/docs/${name}`))).not.toContain("sourceMappingURL=");
  });
});
