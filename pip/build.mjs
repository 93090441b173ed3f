// Builds the wheels of the two Python packages: node pip/build.mjs [folder]. dist must be that of the sources (npm run build).
// The same sources make the same bytes: nothing of this machine or of today is in them.
import { execFile } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { environment, prepareEnvironments } from "../test/setup/environments.mjs";
import { copyOwnFiles, copyPackages } from "./stage.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PROJECTS = ["scorefn", "scorefn-azmlinfsrv"];
/** Whoever is to have them may read them; flit leaves that to this user. */
const READABLE = 0o644;
/** The time of every file in a wheel: the first day that zip knows, 1980-01-01, in seconds since 1970. */
const FILE_TIME_S = 315_532_800;

/** @param {string} out folder for the wheels   @returns {Promise<void>} */
async function buildWheels(out) {
  await prepareEnvironments({ names: ["wheels"] });
  const tools = environment("wheels");
  if ("unavailable" in tools) throw new Error(tools.unavailable);
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  await mkdir(out, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), "scorefn-wheels-"));
  try {
    for (const name of PROJECTS) {
      const project = join(folder, name);
      await cp(join(ROOT, "pip", name), project, { recursive: true, filter: (path) => !path.includes("__pycache__") });
      await cp(join(ROOT, "LICENSE"), join(project, "LICENSE"));
      if (name === "scorefn") {
        await copyOwnFiles(ROOT, join(project, "scorefn/package"));
        const notices = await copyPackages(ROOT, join(project, "scorefn/package/node_modules"));
        await writeFile(join(project, "NOTICES.txt"), notices);
      }
      await setVersions(join(project, "pyproject.toml"), version);
      const env = { ...process.env, SOURCE_DATE_EPOCH: String(FILE_TIME_S) };
      await promisify(execFile)(tools.python, ["-m", "flit_core.wheel", project, "--outdir", out], { env });
    }
    for (const file of await readdir(out)) if (file.endsWith(".whl")) await chmod(join(out, file), READABLE);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Its own version, and that of the other package which it asks for. @param {string} file @param {string} version */
async function setVersions(file, version) {
  const text = await readFile(file, "utf8");
  const named = text
    .replace(/^version = "0"$/m, `version = "${version}"`)
    .replace('"scorefn==0"', `"scorefn==${version}"`);
  if (named === text) throw new Error(`${file} names its version in another way`);
  await writeFile(file, named);
}

await buildWheels(resolve(process.argv[2] ?? join(ROOT, "build/pip")));
