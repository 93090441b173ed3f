// One compilation for the server and for builds: what a script answers when it is served is what its build answers.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { buildLambda } from "../../../packaging/aws-lambda/build.ts";
import { readAnswer, scoreEvent, startFunction } from "../../../packaging/aws-lambda/invoke.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { formatOf } from "../../../src/script/compile.ts";
import { freePort, startServer } from "../../setup/server.ts";
import { createService, startService } from "../../setup/service.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-compile-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Case {
  /** Files of the app; the script is score.ts, and `answer` in it is what run() returns. */
  readonly files: Readonly<Record<string, string>>;
  readonly script?: string;
  readonly answer: unknown;
}

const RUN =
  "export const init = (): void => {};\nexport const run = async (_data: string): Promise<unknown> => answer;\n";
const MATH = "export const twice = (x: number): number => x * 2;\n";
const paths = (options: object) => JSON.stringify({ compilerOptions: options });
const scripted = (text: string): string => `${text}\n${RUN}`;

const CASES: Readonly<Record<string, Case>> = {
  "a path alias": {
    files: {
      "tsconfig.json": paths({ paths: { "@lib/*": ["./lib/*"] } }),
      "lib/math.ts": MATH,
      "score.ts": scripted('import { twice } from "@lib/math";\nconst answer = twice(4);'),
    },
    answer: 8,
  },
  "a path alias of the name of a package": {
    files: {
      "tsconfig.json": paths({ paths: { "@lib/math": ["./lib/math.ts"] } }),
      "lib/math.ts": MATH,
      "node_modules/@lib/math/package.json": '{"name":"@lib/math"}',
      "node_modules/@lib/math/index.js": "exports.twice = () => 'the package';",
      "score.ts": scripted('import { twice } from "@lib/math";\nconst answer = twice(4);'),
    },
    answer: 8,
  },
  "a path alias in a dynamic import": {
    files: {
      "tsconfig.json": paths({ paths: { "@lib/*": ["./lib/*"] } }),
      "lib/math.ts": MATH,
      "score.ts": scripted('const answer = import("@lib/math").then(({ twice }) => twice(5));'),
    },
    answer: 10,
  },
  "a type that another file hands on, in any letters": {
    files: {
      "types.ts": "\ufeffexport type Größe = number;\ninterface Maß { m: number }\nexport type { Maß as Ärger };\n",
      "all.ts": 'export { Größe, Ärger } from "./types";\nexport const one = 1;\n',
      "score.ts": scripted('import { one } from "./all";\nconst answer = one;'),
    },
    answer: 1,
  },
  baseUrl: {
    files: {
      "tsconfig.json": paths({ baseUrl: "./src" }),
      "src/lib/math.ts": MATH,
      "score.ts": scripted('import { twice } from "lib/math";\nconst answer = twice(3);'),
    },
    answer: 6,
  },
  "extends, with comments, of a file and of a package": {
    files: {
      "tsconfig.json": '{ /* two */ "extends": ["./base.json", "@shared/tsconfig/node.json"], }',
      "base.json": '{ // ours\n "compilerOptions": { "paths": { "~/*": ["./lib/*"] } } }',
      "node_modules/@shared/tsconfig/package.json": '{"name":"@shared/tsconfig"}',
      "node_modules/@shared/tsconfig/node.json": paths({ experimentalDecorators: true }),
      "lib/math.ts": MATH,
      "score.ts": scripted(`import { twice } from "~/math";
const seen: unknown[] = [];
function note(_target: object, name: string): void { seen.push(name, arguments.length); }
class Model { @note weight = 1; }
const answer = [twice(new Model().weight), seen];`),
    },
    answer: [2, ["weight", 3]],
  },
  "the tsconfig.json of the folder of each file": {
    files: {
      "tsconfig.json": paths({ paths: { "#math": ["./one.ts"] } }),
      "one.ts": "export const name = 'one';",
      "sub/tsconfig.json": paths({ paths: { "#math": ["./two.ts"] } }),
      "sub/two.ts": "export const name = 'two';",
      "sub/inner.ts": 'export { name as inner } from "#math";',
      "score.ts": scripted(
        'import { name } from "#math";\nimport { inner } from "./sub/inner";\nconst answer = [name, inner];',
      ),
    },
    answer: ["one", "two"],
  },
  "legacy decorators, with parameters": {
    files: {
      "tsconfig.json": paths({ experimentalDecorators: true, emitDecoratorMetadata: true }),
      "score.ts": scripted(`const seen: unknown[] = [];
const sealed = (target: Function): void => void seen.push(target.name);
const arg = (_t: object, name: string, index: number): void => void seen.push([name, index]);
@sealed class Model { predict(@arg x: number) { return x; } }
const answer = [new Model().predict(1), seen];`),
    },
    answer: [1, [["predict", 0], "Model"]],
  },
  "standard decorators": {
    files: {
      "score.ts":
        scripted(`const doubled = (f: (x: number) => number, _context: ClassMethodDecoratorContext) => (x: number) => f(x) * 2;
class Model { @doubled predict(x: number) { return x; } }
const answer = new Model().predict(21);`),
    },
    answer: 42,
  },
  "fields that are assigned, or defined": {
    files: {
      "tsconfig.json": paths({ useDefineForClassFields: false }),
      "score.ts": scripted(`const seen: unknown[] = [];
class Base { set value(value: unknown) { seen.push(value); } }
class Model extends Base { value = 7; }
new Model();
const answer = seen;`),
    },
    answer: [7],
  },
  "JSON, whole and by name": {
    files: {
      "same.ts": 'import same from "./data.json" with { type: "json" };\nexport { same };',
      "data.json": '{ "slope": 2, "two-words": 3, "list": [1] }',
      "score.ts": scripted(`import data, { slope } from "./data.json";
import * as all from "./data.json";
import { same } from "./same";
const answer = [slope, data, same, Object.keys(all).sort()];`),
    },
    answer: [
      2,
      { slope: 2, "two-words": 3, list: [1] },
      { slope: 2, "two-words": 3, list: [1] },
      ["default", "list", "slope", "two-words"],
    ],
  },
  "JSON without its extension, and by an alias": {
    files: {
      "tsconfig.json": paths({ paths: { "@/*": ["./*"] } }),
      "data.json": '{ "slope": 2 }',
      "score.ts": scripted('import one from "./data";\nimport two from "@/data.json";\nconst answer = [one, two];'),
    },
    answer: [{ slope: 2 }, { slope: 2 }],
  },
  "JSON that is required": {
    files: {
      "data.json": '{ "slope": 2 }',
      "helper.cts": 'const data = require("./data.json");\nmodule.exports = { slope: data.slope };',
      "score.ts": scripted(
        'import { slope } from "./helper.cts";\nconst answer = [slope, require("./data.json").slope];',
      ),
    },
    answer: [2, 2],
  },
  "enums and namespaces": {
    files: {
      "levels.ts": 'export enum Level { Low = 1, High = "high" }\nexport const enum Fixed { Two = 2 }',
      "score.ts": scripted(`import { Fixed, Level } from "./levels";
namespace Tools { export const name = "tools"; export namespace Inner { export const x = Level.Low; } }
const answer = [Level[1], Level.High, Fixed.Two, Tools.name, Tools.Inner.x];`),
    },
    answer: ["Low", "high", 2, "tools", 1],
  },
  "imports without extension": {
    files: {
      "lib/math.ts": MATH,
      "lib/plain.js": "export const plain = 1;",
      "lib/view.tsx": "export const view = <T,>(x: T): T => x;",
      "package.json": '{ "type": "module" }',
      "score.ts": scripted(`import { twice } from "./lib/math";
import { plain } from "./lib/plain";
import { view } from "./lib/view";
const answer = [twice(1), plain, view(3)];`),
    },
    answer: [2, 1, 3],
  },
  ".js that names a .ts": {
    files: {
      "lib/math.ts": MATH,
      "lib/other.mts": "export const other = 1;",
      "score.ts": scripted(
        'import { twice } from "./lib/math.js";\nimport { other } from "./lib/other.mjs";\nconst answer = [twice(1), other];',
      ),
    },
    answer: [2, 1],
  },
  "the index of a folder": {
    files: {
      "lib/index.ts": 'export * from "./math";',
      "lib/math.ts": MATH,
      "lib/deep/index.ts": 'export { twice } from "..";',
      "score.ts": scripted(
        'import { twice } from "./lib";\nimport { twice as same } from "./lib/deep";\nconst answer = [twice(1), same === twice];',
      ),
    },
    answer: [2, true],
  },
  "the place of each file": {
    files: {
      "lib/place.ts": `import { basename } from "node:path";
export const place = [basename(__dirname), basename(__filename), import.meta.url.split("/").slice(-2).join("/"),
  basename(import.meta.dirname), basename(import.meta.filename), new URL("./x.txt", import.meta.url).pathname.endsWith("/lib/x.txt")];`,
      "lib/common.cts":
        'import { basename } from "node:path";\nexport const place = [basename(__dirname), basename(__filename)];',
      "score.ts": scripted(`import { basename } from "node:path";
import { place as common } from "./lib/common.cts";
import { place } from "./lib/place";
const answer = [place, common, basename(__filename), import.meta.url.endsWith("/score.ts")];`),
    },
    answer: [["lib", "place.ts", "lib/place.ts", "lib", "place.ts", true], ["lib", "common.cts"], "score.ts", true],
  },
  "top-level await": {
    files: {
      "slow.ts": "export const slow: number = await new Promise((resolve) => setImmediate(resolve, 5));",
      "score.ts": scripted('import { slow } from "./slow";\nconst answer = slow + (await Promise.resolve(1));'),
    },
    answer: 6,
  },
  "CommonJS packages": {
    files: {
      "node_modules/plain/package.json": '{"name":"plain"}',
      "node_modules/plain/index.js": "exports.name = 'plain';",
      "node_modules/babel/package.json": '{"name":"babel"}',
      "node_modules/babel/index.js": "exports.__esModule = true; exports.default = 'inner'; exports.name = 'babel';",
      "node_modules/dual/package.json":
        '{"name":"dual","exports":{"module":"./module.mjs","import":"./import.mjs","require":"./require.cjs"}}',
      "node_modules/dual/module.mjs": "export default 'module';",
      "node_modules/dual/import.mjs": "export default 'import';",
      "node_modules/dual/require.cjs": "module.exports = 'require';",
      "score.ts": scripted(`import babel, { name } from "babel";
import dual from "dual";
import plain from "plain";
const answer = [plain.name, name, (babel as any).default, dual, require("dual")];`),
    },
    answer: ["plain", "babel", "inner", "import", "require"],
  },
  "CommonJS in TypeScript": {
    files: {
      "lib/math.cts": MATH,
      "score.ts": `const { twice } = require("./lib/math.cts");
exports.init = (): void => {};
exports.run = (_data: string): unknown => [twice(2), typeof module.exports.run];`,
    },
    answer: [4, "function"],
  },
  "types that are handed on like values": {
    files: {
      "types.ts": "export interface Row { x: number }\nexport type Rows = Row[];\nexport const empty: Rows = [];",
      "index.ts":
        'import { Row } from "./types";\nexport { Row };\nexport { Rows, empty } from "./types";\nexport * from "./types";',
      "score.ts": scripted(
        'import { Row, Rows, empty } from "./index";\nconst rows: Rows = [...empty, { x: 1 } as Row];\nconst answer = rows;',
      ),
    },
    answer: [{ x: 1 }],
  },
};

/** A folder of the case's files. */
function layOut(files: Case["files"]): string {
  const app = mkdtempSync(join(folder, "app-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(app, name)), { recursive: true });
    writeFileSync(join(app, name), text);
  }
  return app;
}

async function served(app: string, env: Record<string, string> = {}): Promise<{ status: number; text: string }> {
  const service = await startService("score.ts", { AML_APP_ROOT: app, SCOREFN_ERROR_DETAIL: "location", ...env });
  onTestFinished(service.close);
  return service.post("{}");
}

async function built(app: string): Promise<{ status: number; text: string }> {
  const out = join(mkdtempSync(join(folder, "build-")), "out");
  await buildLambda({ entryScript: join(app, "score.ts"), out, noTry: true });
  const local = await startFunction({ directory: out, onOutput: () => {}, env: { SCOREFN_ERROR_DETAIL: "location" } });
  onTestFinished(async () => void (await local.stop()));
  return readAnswer(await local.invoke(scoreEvent(Buffer.from("{}")), 30_000));
}

describe.each(Object.entries(CASES))("%s", (_name, { files, answer }) => {
  test("works when it is served", async () => {
    expect(await served(layOut(files)).then(({ text }) => JSON.parse(text))).toEqual(answer);
  });

  test("works when it is built", async () => {
    expect(await built(layOut(files)).then(({ text }) => JSON.parse(text))).toEqual(answer);
  });
});

describe("an error", () => {
  const files = {
    "tsconfig.json": paths({ paths: { "@lib/*": ["./lib/*"] } }),
    "lib/fails.ts": `interface Row { x: number }
enum Level { Low }
export function fails(row: Row): never {
  const here = [__dirname, require("node:fs")];
  throw new Error("level " + Level.Low + row.x + here.length);
}`,
    "score.ts":
      'import { fails } from "@lib/fails";\nexport const init = (): void => {};\nexport const run = (_: string): unknown => fails({ x: 1 });',
  };
  const location = {
    file: "lib/fails.ts",
    line: 5,
    column: 9,
    function: "fails",
    source: 'throw new Error("level " + Level.Low + row.x + here.length);',
  };

  test("names the source's place, served and built alike", async () => {
    for (const how of [served, built]) {
      const { status, text } = await how(layOut(files));
      expect(status).toBe(500);
      expect(JSON.parse(text).error.location).toEqual(location);
    }
  });

  test("of the compiler is located and shown, served and built alike", async () => {
    const app = layOut({
      "lib/bad.ts": "const x: number = 1;\nexport const y = = 2;\n",
      "score.ts": scripted('import { y } from "./lib/bad";\nconst answer = y;'),
    });
    const service = createService("score.ts", { AML_APP_ROOT: app });
    onTestFinished(service.close);
    const failure = await service.runtime.start().catch((error) => error);
    expect(failure.report.location).toMatchObject({ file: "lib/bad.ts", line: 2, column: 18 });
    expect(failure.report.codeFrame).toContain("> 2 | export const y = = 2;");
    await expect(built(app)).rejects.toThrow(/^bad\.ts:2:18: Unexpected "="$/);
  });

  test("of an alias that leads nowhere names the alias, served and built alike", async () => {
    const app = layOut({
      "tsconfig.json": paths({ paths: { "@lib/*": ["./lib/*"] } }),
      "score.ts": scripted('\nimport { twice } from "@lib/math";\nconst answer = twice(1);'),
    });
    const hint = `'@lib/math' is the path alias '@lib/*' of ${app}/tsconfig.json, but there is no file for it: looked for ${app}/lib/math.`;
    const service = createService("score.ts", { AML_APP_ROOT: app });
    onTestFinished(service.close);
    const { report } = await service.runtime.start().catch((error) => error);
    expect(report).toMatchObject({ hint, location: { file: "score.ts", line: 2 } });
    await expect(built(app)).rejects.toThrow(`score.ts:2:23: Could not resolve "@lib/math". ${hint}`);
  });

  test.each(["@/math", "lib/math", "#math"])("names %s as it was written", async (wanted) => {
    const app = layOut({ "score.ts": scripted(`import { twice } from "${wanted}";\nconst answer = twice(1);`) });
    const service = createService("score.ts", { AML_APP_ROOT: app });
    onTestFinished(service.close);
    const { report } = await service.runtime.start().catch((error) => error);
    expect(report.message).toBe(`Cannot find package '${wanted}' imported from ${app}/score.ts`);
    expect(report.location).toMatchObject({ file: "score.ts", line: 1 });
  });

  test("in tsconfig.json is located there, served and built alike", async () => {
    const app = layOut({ "tsconfig.json": '{ "compilerOptions": { broken', "score.ts": scripted("const answer = 1;") });
    const service = createService("score.ts", { AML_APP_ROOT: app });
    onTestFinished(service.close);
    const { report } = await service.runtime.start().catch((error) => error);
    expect(report).toMatchObject({
      hint: expect.not.stringContaining("JSON.parse"),
      location: { file: "tsconfig.json", line: 1 },
    });
    await expect(built(app)).rejects.toThrow(/^tsconfig\.json:1:24: Expected string in JSON/);
  });

  test("in what tsconfig.json extends is warned of, where the server prints", async () => {
    const app = layOut({
      "tsconfig.json": '{ "extends": "./nowhere.json" }',
      "score.ts": scripted("const answer = 1;"),
    });
    const args = [packageFile("dist/adapters/cli/scorefn.js"), "serve", "--entry_script", "score.ts", "--port"];
    const port = await freePort();
    const server = startServer({ command: process.execPath, args: [...args, String(port)], cwd: app, port });
    onTestFinished(async () => void (await server.stop()));
    await server.waitReady();
    expect(server.stdout() + server.stderr()).toContain(
      `${app}/tsconfig.json:1: Cannot find base config file "./nowhere.json"`,
    );
  });

  test("of the bundler names the line of the source", async () => {
    const app = layOut({
      "lib/math.ts": MATH,
      "score.ts": scripted(
        'import type { X } from "./x";\n\nenum Level { Low }\nimport { thrice } from "./lib/math";\nimport { y } from "./nowhere";\nconst answer = [thrice, y, Level.Low];',
      ),
    });
    await expect(built(app)).rejects.toThrow(/score\.ts:5:\d+: Could not resolve "\.\/nowhere"/);
  });
});

test("whether a file is CommonJS is seen soon, however many empty lines it has", () => {
  // Far more than it takes, and half of what it took to go through all of them from each.
  const LIMIT_MS = 20_000;
  const empty = "\n".repeat(200_000);
  const startedAt = performance.now();
  expect(formatOf("a.ts", `${empty}  module.exports = 1;`)).toBe("commonjs");
  expect(formatOf("a.ts", `${empty}\texport const a = 1;`)).toBe("module");
  expect(formatOf("a.ts", `\ufeffexports.a = 1;`)).toBe("commonjs");
  expect(performance.now() - startedAt).toBeLessThan(LIMIT_MS);
});
