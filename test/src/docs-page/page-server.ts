// The page in front of a real script and a real server, whose answers a test may replace.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHttpServer, type HttpServer } from "../../../adapters/http/index.ts";
import type { ScoreRequest, ScoreResponse } from "../../../src/host.ts";
import { createService } from "../../setup/service.ts";

export interface PageServer {
  readonly origin: string;
  /** Where the page is. */
  readonly address: string;
  /** Folder of the script; a file in it lets a stream go on. */
  readonly folder: string;
  /** What has been asked for, the newest last. */
  readonly requests: ScoreRequest[];
  /** Takes the place of the answer to a path. */
  readonly instead: Map<string, Pick<ScoreResponse, "status"> & { readonly body: string }>;
  close(): Promise<void>;
}

/** The script that all but a few tests use: it declares what it takes. */
export const PENGUINS = `import { schema, sample } from "scorefn";

export function init() {}

export const run = schema(
  { input: { penguins: sample([{ island: "Dream", bill: 39.5 }]) }, output: { type: "array", items: { type: "number" } } },
  ({ penguins }) => penguins.map(({ island, bill }) => island.length + bill),
);
`;

/** Answers with what it was sent; \`stream\` in the query: piece by piece, the second when the file \`go\` is there. */
export const RAW = `import { existsSync } from "node:fs";
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { rawHttp } from "scorefn";

export function init() {}

export const run = rawHttp(async (request) => {
  const query = new URL(request.url).searchParams;
  if (query.has("stream")) {
    async function* pieces() {
      yield "data: first\\n\\n";
      while (!existsSync(new URL("go", import.meta.url))) await delay(5);
      yield "data: sec\\u00f6nd\\n\\n";
      if (query.has("fail")) throw new Error("midway");
    }
    return new Response(ReadableStream.from(encoded(pieces())), { headers: { "content-type": query.get("stream") } });
  }
  const type = request.headers.get("content-type") ?? "";
  if (type.startsWith("multipart/")) {
    const form = await request.formData();
    const parts = [];
    for (const [name, value] of form) parts.push([name, typeof value === "string" ? value : [value.name, await digest(value)]]);
    return Response.json(parts);
  }
  return Response.json({ type, query: request.url.split("?")[1] ?? "", own: request.headers.get("x-own"), body: await digest(request) });
});

async function* encoded(texts) {
  for await (const text of texts) yield new TextEncoder().encode(text);
}

async function digest(body) {
  return createHash("sha256").update(new Uint8Array(await body.arrayBuffer())).digest("hex");
}
`;

export interface PageOptions {
  readonly script: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Further files beside the script. */
  readonly files?: Readonly<Record<string, string>>;
  /** What a proxy in front takes away from paths. */
  readonly prefix?: string;
}

export async function startPageServer({ script, env = {}, files = {}, prefix = "" }: PageOptions): Promise<PageServer> {
  const folder = mkdtempSync(join(tmpdir(), "scorefn-docs-"));
  for (const [name, text] of Object.entries({ "score.ts": script, ...files })) writeFileSync(join(folder, name), text);
  const service = createService("score.ts", {
    AML_APP_ROOT: folder,
    SCOREFN_DOCS: "/docs",
    SCOREFN_ERROR_DETAIL: "location",
    ...env,
  });
  const requests: ScoreRequest[] = [];
  const instead: PageServer["instead"] = new Map();
  const { scorer } = service;
  const handle = async (request: ScoreRequest): Promise<ScoreResponse> => {
    const path = request.path.startsWith(`${prefix}/`) ? request.path.slice(prefix.length) : "/not-here";
    requests.push({ ...request, path });
    const other = instead.get(path);
    if (other !== undefined) return { ...other, headers: [["Content-Type", "application/json"]] };
    return scorer.handle({ ...request, path });
  };
  const takesBody = ({ method, path }: { method: string; path: string }): boolean =>
    scorer.takesBody({ method, path: path.slice(prefix.length) });
  const server: HttpServer = createHttpServer({ ...scorer, handle, takesBody }, service.config, service.log);
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  // Why there is none is what the page shows.
  await service.runtime.start().catch(() => {});
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    address: `${origin}${prefix}/docs`,
    folder,
    requests,
    instead,
    async close() {
      await Promise.all([server.close(0), service.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
