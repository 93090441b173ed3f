// The files of the page, from where a build puts them.
import { readFile } from "node:fs/promises";
import { packageFile } from "../../src/host.ts";

export interface StaticFile {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

const FOLDER = "dist/endpoint/page/static";
const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";
const STYLE = "text/css; charset=utf-8";

/** Nothing else is served, whatever a path says. */
const FILES: Readonly<Record<string, readonly [file: string, contentType: string]>> = {
  "/": ["index.html", HTML],
  "/index.html": ["index.html", HTML],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
  "/page.css": ["page.css", STYLE],
  "/uplot.css": ["uplot.css", STYLE],
  "/api.js": ["api.js", SCRIPT],
  "/deployments.js": ["deployments.js", SCRIPT],
  "/differences.js": ["differences.js", SCRIPT],
  "/elements.js": ["elements.js", SCRIPT],
  "/page.js": ["page.js", SCRIPT],
  "/plots.js": ["plots.js", SCRIPT],
  "/shares.js": ["shares.js", SCRIPT],
  "/traffic.js": ["traffic.js", SCRIPT],
  "/uplot.js": ["uplot.js", SCRIPT],
};

/** @returns undefined: there is none of this name */
export async function readStaticFile(path: string): Promise<StaticFile | undefined> {
  const entry = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
  if (entry === undefined) return undefined;
  const [file, contentType] = entry;
  return { contentType, bytes: await readFile(packageFile(`${FOLDER}/${file}`)) };
}
