// The last step of a build: compiled files that stand in front of a library become one file with all of it. So an installed
// server brings no further package, and loads a library only where somebody has asked for what it does.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import { build, transform } from "esbuild";
import { removeUnused } from "./unused.mjs";

const ROOT = fileURLToPath(new URL(".", import.meta.url));

/** Where what took long is kept from one build to the next. */
const CACHE = join(ROOT, "node_modules/.cache/scorefn");

/** Of a digest in an address: enough that no two builds have the same. */
const DIGEST_CHARACTERS = 16;

/** Compiled files that are replaced by their bundle. */
const FILES = [
  "dist/src/metrics/prom.js",
  "dist/src/telemetry/sdk.js",
  "dist/src/telemetry/app-insights-thread.js",
  "dist/adapters/cli/online/query.js",
];

/** What licences want to be there besides themselves. */
const NOTICES = ["swagger-ui-dist/NOTICE", "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt"];

/** The libraries are CommonJS, and ask for Node's own modules with `require`. */
const REQUIRE = 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);';

/** Whoever asks whether it is there makes Node load its own HTTP client, which takes 30 ms and some MB; nobody here sends forms. */
const NOT_THERE = { FormData: "undefined" };

/** OpenTelemetry's API keeps what is registered with it on `globalThis`. Our copy keeps it elsewhere, for a script in the same
 *  process may register an SDK of its own, of another version. @type {import("esbuild").Plugin} */
const PRIVATE_API = {
  name: "private-api",
  setup({ onLoad }) {
    onLoad({ filter: /opentelemetry.api.build.\w+.internal.global-utils\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const contents = text.replace("opentelemetry.js.api.", "scorefn.opentelemetry.api.");
      if (contents === text) throw new Error(`${path} names its place on globalThis in another way`);
      return { contents, loader: "js" };
    });
  },
};

/** Packages of which dist holds a part. */
const held = new Set(["uplot", "swagger-ui-dist", "@seriousme/openapi-schema-validator", "ajv-draft-04"]);
/** What nobody can tell the packages of any more. @type {string[]} */
const builtBefore = [];

for (const file of FILES) {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [file],
    outfile: file,
    allowOverwrite: true,
    bundle: true,
    platform: "node",
    // As modules the libraries are smaller, and faster without the getters that stand in for exports.
    mainFields: ["module", "main"],
    format: "esm",
    target: "node20.19",
    minify: true,
    legalComments: "none",
    banner: { js: REQUIRE },
    define: NOT_THERE,
    plugins: [PRIVATE_API],
    metafile: true,
    logLevel: "error",
  });
  const packages = Object.keys(metafile.inputs).flatMap((path) => packageOf(path) ?? []);
  for (const name of packages) held.add(name);
  if (packages.length === 0) builtBefore.push(file);
}

await Promise.all([copyPage(), buildDocsPage(), copySpecifications()]);
await writeNotices();
await removeUnused(ROOT);
await removeComments();

/** The control page as it stands, and the library that draws its plots beside it: browsers load nothing from elsewhere. */
async function copyPage() {
  const [from, to] = ["endpoint/page/static", "dist/endpoint/page/static"].map((folder) => join(ROOT, folder));
  await mkdir(to, { recursive: true });
  for (const file of await readdir(from)) {
    if (/\.(?:html|css|js|svg)$/.test(file)) await copyFile(join(from, file), join(to, file));
  }
  const library = join(ROOT, "node_modules/uplot/dist");
  await build({
    entryPoints: [join(library, "uPlot.esm.js")],
    outfile: join(to, "uplot.js"),
    format: "esm",
    minify: true,
    legalComments: "none",
    logLevel: "error",
  });
  await copyFile(join(library, "uPlot.min.css"), join(to, "uplot.css"));
}

/** The page to try a script with: its own modules made one file, the library as it comes, all compressed once for every
 *  time they are sent. What changes when one of them does is part of their addresses. */
async function buildDocsPage() {
  const [from, to] = ["src/docs-page/static", "dist/src/docs-page/static"].map((folder) => join(ROOT, folder));
  const library = join(ROOT, "node_modules/swagger-ui-dist");
  await mkdir(to, { recursive: true });
  const { outputFiles } = await build({
    entryPoints: ["page.js", "page.css"].map((file) => join(from, file)),
    outdir: to,
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    logLevel: "error",
  });
  // Browsers would ask for their source maps, which are as large again.
  const bare = async (file) => (await readFile(join(library, file), "utf8")).replace(/^.*# sourceMappingURL=.*$/m, "");
  /** @type {[file: string, content: string | Uint8Array][]} */
  const files = [
    ...outputFiles.map(({ path, contents }) => [path.slice(to.length + 1), contents]),
    ["icon.svg", await readFile(join(from, "icon.svg"))],
    ["swagger-ui.js", await bare("swagger-ui-bundle.js")],
    ["swagger-ui.css", await bare("swagger-ui.css")],
  ];
  const digest = createHash("sha256");
  for (const [, content] of files) digest.update(content);
  await Promise.all(files.map(async ([file, content]) => writeFile(join(to, `${file}.br`), await compressed(content))));
  await writeFile(join(to, "digest.txt"), digest.digest("hex").slice(0, DIGEST_CHARACTERS));
  await copyFile(join(from, "index.html"), join(to, "index.html"));
}

/** As small as it gets, which takes seconds for the library: so it is done once for each of its versions.
 *  @param {string | Uint8Array} content */
async function compressed(content) {
  const bytes = Buffer.from(content);
  const kept = join(CACHE, `${createHash("sha256").update(bytes).digest("hex")}.br`);
  if (existsSync(kept)) return readFile(kept);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  const result = await promisify(brotliCompress)(bytes, { params });
  await mkdir(CACHE, { recursive: true });
  // Another build may be at it, too.
  const own = `${kept}.${process.pid}`;
  await writeFile(own, result);
  await rename(own, kept);
  return result;
}

/** The schemas of OpenAPI's versions, by which swagger documents are checked. */
async function copySpecifications() {
  const modules = join(ROOT, "node_modules");
  const to = join(ROOT, "dist/check/openapi");
  await mkdir(to, { recursive: true });
  const sources = {
    "2.0": "@seriousme/openapi-schema-validator/schemas/v2.0/schema.json",
    "3.0": "@seriousme/openapi-schema-validator/schemas/v3.0/schema.json",
    3.1: "@seriousme/openapi-schema-validator/schemas/v3.1/schema.json",
    "draft-04": "ajv-draft-04/dist/refs/json-schema-draft-04.json",
  };
  for (const [name, source] of Object.entries(sources)) {
    const schema = JSON.parse(await readFile(join(modules, source), "utf8"));
    await writeFile(join(to, `${name}.json`), JSON.stringify(schema));
  }
}

/** @param {string} path */
function packageOf(path) {
  return /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

/** Comments of modules are for whoever has the sources, and every twelfth byte of the package; types keep theirs, for editors. */
async function removeComments() {
  const paths = (await readdir(join(ROOT, "dist"), { recursive: true })).map(
    (path) => `dist/${path.replaceAll("\\", "/")}`,
  );
  const modules = paths.filter((path) => path.endsWith(".js") && !path.includes("/static/") && !FILES.includes(path));
  await Promise.all(
    modules.map(async (path) => {
      const file = join(ROOT, path);
      const { code } = await transform(await readFile(file, "utf8"), {
        target: "esnext",
        legalComments: "none",
        charset: "utf8",
      });
      await writeFile(file, code);
    }),
  );
}

/** The licences of all of them in one file, since many have the same one. */
async function writeNotices() {
  const to = join(ROOT, "dist/LICENSES.txt");
  if (builtBefore.length > 0) {
    if (existsSync(to)) return;
    throw new Error(`${builtBefore.join(", ")} was built before, and the licences are lost; run npm run build`);
  }
  /** Names by the text without its blanks, in which copies of one licence differ. @type {Map<string, { text: string, names: string[] }>} */
  const licences = new Map();
  for (const name of [...held].sort()) {
    const folder = join(ROOT, "node_modules", name);
    const { version, license, repository } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence text`);
    const text = await readFile(join(folder, file), "utf8");
    const key = text.replaceAll(/\s+/g, " ").trim();
    const licence = licences.get(key) ?? { text, names: [] };
    // This licence asks for the place of the source.
    licence.names.push(`${name} ${version}${license === "MPL-2.0" ? `, ${repository.url}` : ""}`);
    licences.set(key, licence);
  }
  const notices = [...licences.values()].map(({ text, names }) => `${names.join("\n")}\n\n${text.trim()}\n`);
  for (const file of NOTICES) notices.push(await readFile(join(ROOT, "node_modules", file), "utf8"));
  await writeFile(to, notices.join("\n\n"));
}
