// What `scorefn init` makes, says and refuses.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isProjectName, nameFor } from "../../../../adapters/cli/init/project-name.ts";
import { type InitHost, runInit } from "../../../../adapters/cli/init/run-init.ts";
import { filesOf, TEMPLATES } from "../../../../adapters/cli/init/templates.ts";
import { VERSION } from "../../../../src/host.ts";

const root = mkdtempSync(join(tmpdir(), "scorefn-init-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fresh = (): string => mkdtempSync(join(root, "d-"));

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function init(cwd: string, args: readonly string[], more: Partial<InitHost> = {}): Promise<Run> {
  const said = { out: "", err: "" };
  const code = await runInit(args, {
    cwd,
    env: {},
    platform: "linux",
    write: (text) => {
      said.out += text;
    },
    writeError: (text) => {
      said.err += text;
    },
    ...more,
  });
  return { code, ...said };
}

/** Someone who gives these answers, and then leaves. */
function answers(...texts: string[]): { ask: NonNullable<InitHost["ask"]>; questions: string[] } {
  const questions: string[] = [];
  return {
    questions,
    ask: async (question) => {
      questions.push(question);
      return texts.shift();
    },
  };
}

describe("what is made", () => {
  test.each(TEMPLATES.map(({ name }) => name))("%s: its files, under the project's name", async (name) => {
    const cwd = fresh();
    const { code, err } = await init(cwd, ["price", "--template", name]);
    expect([code, err]).toEqual([0, ""]);
    const files = readdirSync(join(cwd, "price"), { recursive: true, encoding: "utf8" });
    for (const file of [
      "README.md",
      "sample-request.json",
      "checks/two-patients.json",
      ".gitignore",
      ".vscode/launch.json",
    ])
      expect(files).toContain(file);
    expect(files.filter((file) => /(^|\/)_/.test(file))).toEqual([]);
    const texts = files.filter((file) => /\.(?:md|json|ya?ml|ts|py)$/.test(file));
    for (const file of texts) expect(readFileSync(join(cwd, "price", file), "utf8"), file).not.toContain("my-model");
    expect(readFileSync(join(cwd, "price/endpoint.yml"), "utf8")).toContain("\nname: price\n");
    if (files.includes("package.json")) {
      const { name: packageName, dependencies } = JSON.parse(readFileSync(join(cwd, "price/package.json"), "utf8"));
      expect([packageName, dependencies.scorefn]).toEqual(["price", `^${VERSION}`]);
    }
  });

  test("the next commands, which go with how init was started", async () => {
    const cwd = fresh();
    expect((await init(cwd, ["one"])).out).toContain("Next:\n\n  cd one\n  scorefn dev score.py --model_dir model\n\n");
    const npm = { env: { npm_config_user_agent: "npm/10.9.3 node/v22.0.0 linux x64" } };
    expect((await init(cwd, ["two", "-t", "onnx"], npm)).out).toContain(
      "  cd two\n  npm install\n  npx scorefn dev score.ts --model_dir model\n",
    );
    expect((await init(cwd, ["my models/three", "-t", "sklearn"])).out).toContain(
      '  cd "my models/three"\n  python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt\n',
    );
    const active = await init(cwd, ["four", "-t", "sklearn"], { env: { VIRTUAL_ENV: "/venv" } });
    expect(active.out).toContain(
      "  cd four\n  pip install -r requirements.txt\n  scorefn dev score.py --model_dir model\n",
    );
    const windows = await init(cwd, ["five", "-t", "sklearn"], { platform: "win32" });
    expect(windows.out).toContain("  py -m venv .venv && .venv\\Scripts\\activate && pip install");
    expect(readFileSync(join(cwd, "one/README.md"), "utf8")).toContain("$ scorefn dev score.py --model_dir model\n");
    expect((await init(cwd, ["six"], npm)).out).toContain("  npx scorefn dev score.py --model_dir model\n");
    expect(readFileSync(join(cwd, "six/README.md"), "utf8")).toContain(
      "$ npx scorefn dev score.py --model_dir model\n",
    );
    expect(readFileSync(join(cwd, "six/.vscode/tasks.json"), "utf8")).toContain('"command": "npx scorefn serve');
  });

  test("in the current folder, which may be a new repository", async () => {
    const cwd = fresh();
    for (const name of [".git", ".venv", ".github"]) mkdirSync(join(cwd, name));
    writeFileSync(join(cwd, "LICENSE"), "mine");
    const { code, out } = await init(cwd, ["--name", "price"]);
    expect([code, out]).toEqual([0, expect.stringContaining("Made the current folder from the template python")]);
    expect(out).not.toContain("  cd ");
    expect(readFileSync(join(cwd, "LICENSE"), "utf8")).toBe("mine");
  });

  test("through a link to an empty folder, below folders that are not there yet", async () => {
    const cwd = fresh();
    mkdirSync(join(cwd, "real"));
    symlinkSync("real", join(cwd, "link"));
    expect((await init(cwd, ["link/a/b"])).code).toBe(0);
    expect(existsSync(join(cwd, "real/a/b/score.py"))).toBe(true);
  });
});

describe("the template", () => {
  test("where nobody can be asked it is python, which one line says", async () => {
    const cwd = fresh();
    const { ask, questions } = answers("2");
    for (const [folder, more] of [
      ["a", {}],
      ["b", { ask, env: { CI: "true" } }],
    ] as const) {
      const { out } = await init(cwd, [folder], more);
      expect(out).toMatch(/^Template: python \(--list shows the others\)\.\nMade /);
    }
    expect((await init(cwd, ["c", "--yes"], { ask })).out).toContain("Template: python");
    expect(questions).toEqual([]);
  });

  test("is asked for by number or name, again after a wrong answer", async () => {
    const cwd = fresh();
    const { ask, questions } = answers("9", " SKLearn ");
    const { code, out } = await init(cwd, ["a"], { ask, env: { CI: "false" } });
    expect([code, out]).toEqual([0, expect.stringContaining("from the template sklearn")]);
    expect(questions[0]).toContain("  2  sklearn     a scikit-learn model\n");
    expect(questions[1]).toBe("9 is none of them. Number or name [python]: ");
    expect((await init(cwd, ["b"], answers("4"))).out).toContain("from the template onnx");
    expect((await init(cwd, ["c"], answers(""))).out).toContain("from the template python");
  });

  test("is not asked for where nothing can be made", async () => {
    const cwd = fresh();
    writeFileSync(join(cwd, "score.py"), "");
    const { ask, questions } = answers("1");
    expect((await init(cwd, [], { ask })).code).toBe(1);
    expect(questions).toEqual([]);
  });

  test("whoever is asked and leaves gets nothing", async () => {
    const cwd = fresh();
    const { code, err } = await init(cwd, ["a"], answers());
    expect([code, err]).toEqual([1, "scorefn init: error: no template was chosen; nothing was made\n"]);
    expect(readdirSync(cwd)).toEqual([]);
  });

  test("--list and --help make nothing, in 80 columns", async () => {
    const cwd = fresh();
    const { code, out } = await init(cwd, ["--list"]);
    expect(code).toBe(0);
    expect(out.trimEnd().split("\n")).toHaveLength(TEMPLATES.length);
    const help = (await init(cwd, ["a", "--help"])).out;
    for (const { name } of TEMPLATES) expect(help).toContain(`\n  ${name} `);
    expect(help.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe("what is refused", () => {
  test.each([
    [
      ["a", "--template", "pytorch"],
      'there is no template "pytorch"; the templates are python, sklearn, typescript, onnx',
    ],
    [["a", "b"], "b is one word too many; scorefn init --help lists all"],
    [["a", "--force"], "there is no flag --force; scorefn init --help lists all"],
    [["a", "--template"], "--template needs a value: --template TEMPLATE"],
    [["a", "--yes=no"], '--yes is a switch and takes no value, not even "no"'],
    [[""], "the name of the folder is empty"],
    [["a\0b"], "the name of the folder has a NUL in it"],
    [
      ["a", "--name", "My Model"],
      '--name "My Model" will not do: it takes 3 to 32 small letters, digits and hyphens, the first one a letter',
    ],
    [["x".repeat(300)], "the name of the folder is too long; nothing was made"],
  ])("%j", async (args, problem) => {
    const cwd = fresh();
    const { code, out, err } = await init(cwd, args);
    expect([code, out, err]).toEqual([1, "", `scorefn init: error: ${problem}\n`]);
    expect(readdirSync(cwd)).toEqual([]);
  });

  test("a folder with anything in it, by the names of what is there", async () => {
    const cwd = fresh();
    for (const name of ["score.py", ".git", "b", "c", "d", "e", "f", "g"]) writeFileSync(join(cwd, name), name);
    const { code, err } = await init(cwd, ["."]);
    expect(code).toBe(1);
    expect(err).toBe(
      `scorefn init: error: ${cwd} is not empty: b, c, d, e, f and 2 more; name a new folder or an empty one\n`,
    );
    expect(readFileSync(join(cwd, "score.py"), "utf8")).toBe("score.py");
    expect(readdirSync(cwd)).toHaveLength(8);
  });

  test.each([
    ["file", "is a file; name another folder"],
    ["file/below", /file(?: is in the way|\/below is below a file); nothing was made/],
    ["dangling", "is a link that leads nowhere; name another folder"],
    ["dangling/below", "dangling is in the way; nothing was made"],
    ["circle", "circle is a link in a circle; nothing was made"],
  ])("%s", async (folder, problem) => {
    const cwd = fresh();
    writeFileSync(join(cwd, "file"), "mine");
    symlinkSync("nowhere", join(cwd, "dangling"));
    symlinkSync("circle", join(cwd, "circle"));
    const { code, err } = await init(cwd, [folder]);
    expect([code, err.match(/\n/g)]).toEqual([1, ["\n"]]);
    expect(err).toMatch(problem);
    expect(readdirSync(cwd).sort()).toEqual(["circle", "dangling", "file"]);
    expect(readFileSync(join(cwd, "file"), "utf8")).toBe("mine");
  });
});

test.each([
  ["price", "price"],
  ["My Model", "my-model"],
  ["Café_2", "cafe-2"],
  ["2024", "model-2024"],
  ["ml", "ml-model"],
  ["模型", "model"],
  ["...", "model"],
  ["scorefn", "scorefn-model"],
  [`${"a".repeat(31)}-b`, "a".repeat(31)],
])("a folder %s gives the name %s", async (folder, name) => {
  expect(nameFor(folder)).toBe(name);
  expect(isProjectName(name)).toBe(true);
  if (name === folder) return;
  expect((await init(fresh(), ["--yes", "--", folder])).out).toMatch(
    folder === "..." ? /./ : `files, under the name ${name}.`,
  );
});

test("templates take no name of ours for themselves, and every file of theirs is made", () => {
  for (const template of TEMPLATES) {
    const paths = filesOf(template, "price", "scorefn").map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths).toContain(template.script);
  }
});
