// The Python packages that a script needs, and the Python they are for.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readConda } from "../../endpoint/assets/conda.ts";
import { choosePython, findRequirements } from "../../packaging/requirements.ts";
import { type Tree, tree } from "./tree.ts";

const find = (files: Tree, given?: string) => {
  const root = tree({ "app/score.py": "", ...files });
  return findRequirements(join(root, "app/score.py"), given === undefined ? undefined : join(root, given));
};

describe("a conda file", () => {
  test.each([
    ["scikit-learn=1.3", "scikit-learn==1.3.*"],
    ["scikit-learn=1.3.2=py310_0", "scikit-learn==1.3.2"],
    ["scikit-learn==1.3.2", "scikit-learn==1.3.2"],
    ["scikit-learn==1.3.2=py310h1_0", "scikit-learn==1.3.2"],
    ["scikit-learn=1.3.*", "scikit-learn==1.3.*"],
    ["scikit-learn>=1.2,<2", "scikit-learn>=1.2,<2"],
    ["scikit-learn >=1.2, <2", "scikit-learn>=1.2,<2"],
    ["scikit-learn 1.3", "scikit-learn==1.3.*"],
    ["scikit-learn 1.3.2 py310_0", "scikit-learn==1.3.2.*"],
    ["conda-forge::numpy=1.26", "numpy==1.26.*"],
    ["conda-forge/linux-64::numpy", "numpy"],
    ['numpy[version=">=1.20,<2"]', "numpy>=1.20,<2"],
    ["numpy=*", "numpy"],
    ["numpy", "numpy"],
    ["pytorch=2.1", "torch==2.1.*"],
    ["py-xgboost", "xgboost"],
  ])("has %j for %j of pip", (entry, line) => {
    expect(readConda(`dependencies: [${JSON.stringify(entry)}]`, "conda.yml").lines).toEqual([line]);
  });

  test("of Azure ML gives its pip part, its Python, and says what it cannot", () => {
    const text = `name: project_environment
channels: [anaconda, conda-forge]
dependencies:
  - python=3.10
  - pip=23.0
  - numpy=1.26
  - libgcc-ng
  - cudatoolkit=11.8
  - r-base
  - npm: [x]
  - pip:
    - azureml-defaults~=1.50
    - joblib>=1.2  # a comment
`;
    expect(readConda(text, "conda.yml")).toEqual({
      lines: ["numpy==1.26.*", "azureml-defaults~=1.50", "joblib>=1.2"],
      python: "=3.10",
      untranslated: ["libgcc-ng", "cudatoolkit=11.8", "r-base", '{"npm":["x"]}'],
    });
  });

  test.each([
    ["a: [", /conda\.yml cannot be read: /],
    ["", /conda\.yml has no list "dependencies"/],
    ["services: {}", /has no list "dependencies"/],
    ['dependencies: ["numpy>=1.20,<1.22|1.26"]', /conda\.yml: numpy>=1\.20,<1\.22\|1\.26: pip has no "or"/],
  ])("that is none is refused: %j", (text, reason) => {
    expect(() => readConda(text, "conda.yml")).toThrow(reason);
  });
});

describe("the list of packages", () => {
  const conda = "dependencies: [numpy=1.26]\n";

  test.each<[string, Tree, string, string]>([
    ["beside the script", { "app/requirements.txt": "a\n", "requirements.txt": "b\n" }, "app/requirements.txt", "a\n"],
    ["in the folder above", { "requirements.txt": "b\n" }, "requirements.txt", "b\n"],
    [
      "and not a conda file, where both are",
      { "app/requirements.txt": "a\n", "app/conda.yml": conda },
      "app/requirements.txt",
      "a\n",
    ],
    ["conda.yml", { "app/conda.yml": conda }, "app/conda.yml", "numpy==1.26.*\n"],
    [
      "conda_dependencies.yml",
      { "app/conda_dependencies.yml": conda },
      "app/conda_dependencies.yml",
      "numpy==1.26.*\n",
    ],
    ["environment.yaml", { "app/environment.yaml": conda }, "app/environment.yaml", "numpy==1.26.*\n"],
    ["what is nearer", { "app/conda.yml": conda, "requirements.txt": "b\n" }, "app/conda.yml", "numpy==1.26.*\n"],
  ])("is %s", (_what, files, file, text) => {
    const found = find(files);
    expect(found.file?.endsWith(file)).toBe(true);
    expect(found.text).toBe(text);
  });

  test("is empty where there is none, and what is named where a flag names one", () => {
    expect(find({})).toEqual({ text: "", file: undefined, python: undefined, notes: [] });
    expect(find({ "app/requirements.txt": "a\n", "deploy.txt": "c\n" }, "deploy.txt").text).toBe("c\n");
    expect(find({ "x.yml": conda }, "x.yml").text).toBe("numpy==1.26.*\n");
    expect(() => find({}, "nowhere.txt")).toThrow(/there is no file .*nowhere\.txt; check --requirements/);
  });

  test("may hold what pip reads", () => {
    const lines = [
      ...[
        "numpy",
        "  numpy == 1.26.4  # why",
        "a-b_c.d>=1,<2",
        "uvicorn[standard, x]~=0.1",
        "torch (>=2)",
        "é".slice(1),
      ],
      ...['pywin32; sys_platform == "win32"', "a @ https://example.com/a.whl", "https://example.com/b.whl", "a[x] ; y"],
      ...["git+https://example.com/c.git@v1#egg=c", "--index-url https://example.com", "--hash=sha256:1", "# note"],
      ...[
        "numpy==1.26.4 \\",
        "    --hash=sha256:1 \\",
        "    --hash=sha256:2",
        "a --no-binary=a",
        "a!=1",
        "a===1",
        "7z",
      ],
    ];
    const text = `${lines.join("\n")}\n`;
    expect(find({ "app/requirements.txt": text }).text).toBe(text);
    expect(find({ "app/requirements.txt": text.replaceAll("\n", "\r\n") }).text).toBe(text);
  });

  test("takes in the lists that it names: an image is made of one", () => {
    const files = {
      "app/requirements.txt": "a\n-r more/base.txt\nz\n",
      "app/more/base.txt": "b\n--requirement=../c.txt\n",
    };
    expect(find({ ...files, "app/c.txt": "c\n" }).text).toBe("a\nb\nc\nz\n");
    expect(() => find(files)).toThrow(/base\.txt:2: --requirement=\.\.\/c\.txt: there is no file/);
    expect(() => find({ "app/requirements.txt": "-r requirements.txt\n" })).toThrow("the lists name each other");
    const round = { "app/requirements.txt": "-r b.txt\n", "app/b.txt": "-r requirements.txt\n" };
    expect(() => find(round)).toThrow("the lists name each other");
  });

  test("takes in a list whose name stands right behind the flag", () => {
    expect(find({ "app/requirements.txt": "-rb.txt\n", "app/b.txt": "b\n" }).text).toBe("b\n");
    expect(() => find({ "app/requirements.txt": "-cb.txt\n" })).toThrow("write the constraints into the list");
  });

  test.each([
    ["UTF-16, little-endian, as PowerShell writes it", Buffer.from("\ufeffa==1\r\n", "utf16le")],
    ["UTF-16, big-endian", Buffer.from("\ufeffa==1\n", "utf16le").swap16()],
    ["UTF-8 with a mark", Buffer.from("\ufeffa==1\n")],
  ])("may be %s, also where another names it", (_encoding, bytes) => {
    expect(find({ "app/requirements.txt": bytes }).text).toBe("a==1\n");
    expect(find({ "app/requirements.txt": "z\n-r b.txt\n", "app/b.txt": bytes }).text).toBe("z\na==1\n");
  });

  test("that is a folder is refused", () => {
    expect(() => find({ "app/requirements.txt/x": "" })).toThrow(/requirements\.txt cannot be read: EISDIR/);
  });

  test.each([
    "-e git+https://me:s3cr3t@example.com/a.git",
    "--extra-index-url https://me:s3cr3t@pypi.example.com/simple",
    "git+https://s3cr3t@github.com/a/b",
    "a b @ https://x:s3cr3t@example.com/a.whl",
    "-r https://me:s3cr3t@example.com/list.txt",
  ])("is refused with the line %j without showing the secret", (line) => {
    expect(() => find({ "app/requirements.txt": `${line}\n` })).toThrow(/requirements\.txt:1: .*\*\*\*@/);
    expect(() => find({ "app/requirements.txt": `${line}\n` })).not.toThrow("s3cr3t");
  });

  test("of conda's that is not translated is named without the secret", () => {
    const entry = "https://me:s3cr3t@conda.example.com/t/a-1.0-0.tar.bz2";
    expect(find({ "app/conda.yml": `dependencies: ["${entry}"]\n` }).notes[0]).toMatch(/: https:\/\/\*\*\*@conda/);
  });

  test.each([
    ["-e .", "pip would look for it in the image"],
    ["./wheels/a.whl", "pip would look for it in the image"],
    ["a @ file:///home/me/a", "pip would look for it in the image"],
    ["-c constraints.txt", "write the constraints into the list"],
    ["--extra-index-url https://me:s3cr3t@pypi.example.com/simple", "holds a password"],
    ["a-1.0-py3-none-any.whl", "pip would look for it in the image"],
    ["a-1.0.tar.gz  # mine", "pip would look for it in the image"],
    ["numpy=1.26", "pip cannot read it"],
    ["foo bar baz", "pip cannot read it"],
    ["def run(data):", "pip cannot read it"],
    ["wheels/a.whl", "pip cannot read it"],
    ["'numpy'", "pip cannot read it"],
  ])("is refused with the line %j", (line, reason) => {
    expect(() => find({ "app/requirements.txt": `numpy\n${line}\n` })).toThrow(/requirements\.txt:2: /);
    expect(() => find({ "app/requirements.txt": `numpy\n${line}\n` })).toThrow(reason);
  });

  test.each([
    "a @ https://example.com/a.whl",
    "git+https://github.com/a/b@v1#egg=b",
    "git+ssh://git@github.com/a/b",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: pip replaces it
    "-i https://${USER}@x.org/simple",
  ])("may have the line %j", (line) => {
    expect(find({ "app/requirements.txt": `${line}\n` }).text).toBe(`${line}\n`);
  });
});

describe("the Python of an image", () => {
  test.each<[string | undefined, string | undefined, string | undefined, string]>([
    ["3.9", "=3.10", "3.11", "3.9"],
    [undefined, "=3.10", "3.11", "3.10"],
    [undefined, "=3.10.12", "3.11", "3.10"],
    [undefined, "==3.10", "3.11", "3.10"],
    [undefined, "=3", "3.11", "3.11"],
    [undefined, "3.*", undefined, "3.14"],
    [undefined, ">=3.9,<3.12", "3.11", "3.11"],
    [undefined, ">=3.9,<3.11", "3.12", "3.10"],
    [undefined, ">=3.9,<3.11", undefined, "3.10"],
    [undefined, "", "3.13", "3.13"],
    [undefined, undefined, "3.13", "3.13"],
    [undefined, undefined, undefined, "3.12"],
  ])("--python_version %s, conda %s, in use %s: %s", (given, conda, inUse, chosen) => {
    expect(choosePython(given, conda, inUse)).toBe(chosen);
  });

  test.each<[string | undefined, string | undefined, string | undefined, string]>([
    ["3.8", undefined, undefined, "--python_version says 3.8"],
    ["three", undefined, undefined, "--python_version says three"],
    [undefined, "=3.7", "3.11", "the conda file says 3.7"],
    [undefined, ">=4", "3.11", "the conda file says >=4"],
    [undefined, undefined, "3.15", "the Python in use says 3.15"],
  ])("is refused: %s, %s, %s", (given, conda, inUse, reason) => {
    expect(() => choosePython(given, conda, inUse)).toThrow(reason);
  });
});
