// What the page and its files are answered with. A build has made them small, once: they lie compressed and are sent so.
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import { BadInputError } from "../core/errors.ts";
import { contractHeaders, type Header, type RequestIds } from "../core/headers.ts";
import { packageFile } from "../core/package-root.ts";
import { pageHeaders } from "../core/page-headers.ts";
import type { ScoreRequest, ScoreResponse } from "../core/types.ts";
import type { DocsSettings, PAGE_FILES } from "./routes.ts";

const FOLDER = "dist/src/docs-page/static";

/** The style sheet of the library has its icons in it. */
const HEADERS = pageHeaders(["img-src 'self' data:"]);

const TYPES: Readonly<Record<(typeof PAGE_FILES)[number], string>> = {
  "page.js": "text/javascript; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
  "swagger-ui.js": "text/javascript; charset=utf-8",
  "swagger-ui.css": "text/css; charset=utf-8",
};

/** Of a file whose address has its digest in it: a year, the most there is. */
const FOR_EVER = "public, max-age=31536000, immutable";
const NOT_KEPT = "no-store";

const decompress = promisify(brotliDecompress);

/** The page itself. Every address in it is relative, so it works behind a proxy that adds a prefix.
 *  @throws BadInputError where the page is not part of this installation */
export async function pageAnswer(path: string, settings: DocsSettings, ids: RequestIds): Promise<ScoreResponse> {
  const { swaggerFiles } = settings;
  const [text, digest] = await Promise.all([read("index.html"), readDigest()]);
  const words: Readonly<Record<string, string>> = {
    FILES: path.slice(path.lastIndexOf("/") + 1),
    ROOT: "../".repeat(path.split("/").length - 2) || "./",
    // The author's own come first: they say more.
    VERSIONS: swaggerFiles
      .filter((file) => file.text !== undefined)
      .map(({ version }) => version)
      .reverse()
      .join(" "),
    DIGEST: digest,
  };
  const body = text.toString().replace(/%([A-Z]+)%/g, (whole, word: string) => escaped(words[word] ?? whole));
  const type: Header = ["Content-Type", "text/html; charset=utf-8"];
  return { status: 200, headers: [type, ["Cache-Control", NOT_KEPT], ...common(settings, ids)], body };
}

/** What is asked for with a slash too many, which would make every relative address another one. */
export function moved(path: string, settings: DocsSettings, ids: RequestIds): ScoreResponse {
  const location: Header = ["Location", `../${path.slice(path.lastIndexOf("/") + 1)}`];
  const headers = [location, ["Cache-Control", NOT_KEPT] as const, ...common(settings, ids)];
  return { status: 308, headers, body: "" };
}

/** @throws BadInputError as `pageAnswer` */
export async function fileAnswer(
  name: (typeof PAGE_FILES)[number],
  { query, headers: { "accept-encoding": accepted = "" } }: ScoreRequest,
  settings: DocsSettings,
  ids: RequestIds,
): Promise<ScoreResponse> {
  const [compressed, digest] = await Promise.all([read(`${name}.br`), readDigest()]);
  const asItIs = takes(accepted, "br");
  const headers: Header[] = [
    ["Content-Type", TYPES[name]],
    // While servers of two versions run side by side, one may be asked for a file of the other's.
    ["Cache-Control", query === `v=${digest}` ? FOR_EVER : NOT_KEPT],
    ["Vary", "Accept-Encoding"],
    ...common(settings, ids),
  ];
  if (asItIs) headers.push(["Content-Encoding", "br"]);
  return { status: 200, headers, body: asItIs ? compressed : await decompress(compressed) };
}

function common({ serverVersion }: DocsSettings, ids: RequestIds): Header[] {
  return [...HEADERS, ...contractHeaders(ids, serverVersion)];
}

async function read(name: string): Promise<Buffer> {
  try {
    return await readFile(packageFile(`${FOLDER}/${name}`));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    throw new BadInputError("ERR_NOT_FOUND", "This build was made without the page; build it with --docs.", { cause });
  }
}

async function readDigest(): Promise<string> {
  return (await read("digest.txt")).toString();
}

/** Whether an `Accept-Encoding` names a coding, and does not refuse it. */
function takes(header: string, coding: string): boolean {
  return header.split(",").some((part) => {
    const [name = "", ...parameters] = part.split(";").map((word) => word.trim().toLowerCase());
    return name === coding && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
