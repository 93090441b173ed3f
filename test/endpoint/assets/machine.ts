// A machine as tests want it: with or without uv and conda, and with a home of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { pythonInUse } from "../../../endpoint/assets/pythons.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import type { Environment } from "../../../src/host.ts";
import { tree, write } from "../../packaging/tree.ts";

const WITHOUT = /^(?:CONDA_.*|MAMBA_.*|VIRTUAL_ENV|UV)$/;
const OWN_UV = packageFile("test/.envs/uv/bin");

/** Named, it is asked itself, and not a shim that looks for it each time. */
const PYTHON = (await pythonInUse())?.python ?? "python3";

export interface Machine {
  readonly env: Environment & { readonly PATH: string };
  readonly cache: string;
  /** For what stands for a program. */
  readonly bin: string;
}

/** @param programs first on PATH: name to a script for sh */
export function machine({
  uv = true,
  programs = {},
}: {
  uv?: boolean;
  programs?: Record<string, string>;
} = {}): Machine {
  const root = tree();
  const bin = join(root, "bin");
  for (const [name, text] of Object.entries(programs)) {
    write(bin, { [name]: `#!/bin/sh\n${text}` });
    chmodSync(join(bin, name), 0o755);
  }
  const isThere = (folder: string): boolean => existsSync(join(folder, "uv"));
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => uv || !isThere(folder));
  const kept = Object.entries(process.env).filter(([name]) => !WITHOUT.test(name));
  const env = {
    ...Object.fromEntries(kept),
    PATH: [bin, ...(uv ? [OWN_UV] : []), ...folders].join(delimiter),
    SCOREFN_PYTHON: PYTHON,
    HOME: join(root, "home"),
    PYENV_ROOT: process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"),
    // What others have fetched is not fetched again.
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
  };
  return { env, cache: join(root, "cache"), bin };
}

/** Stands for a program of conda's: writes down what it is asked, and makes an environment with nothing in it. */
export const STANDS_FOR_CONDA = `
here=$(dirname "$0")
echo "$@" >> "$here/asked"
while [ "$1" != --prefix ]; do shift; done
prefix=$2
cp "$4" "$here/conda.json"
echo "Linking packages"
"$TEST_PYTHON" -m venv --without-pip "$prefix"
`;

/** The same, but it does not end by itself once it has begun to write; it has a process below it, as conda has. */
export const STANDS_STILL = `
here=$(dirname "$0")
while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/bin"
echo half > "$2/bin/half"
sleep 600 &
echo "$$ $! $2" > "$here/pids"
echo "Downloading something"
wait
`;

/** A machine with that for micromamba. */
export function conda(text: string): Machine {
  const made = machine({ programs: { micromamba: text } });
  return { ...made, env: { ...made.env, TEST_PYTHON: made.env.SCOREFN_PYTHON } as Machine["env"] };
}

/** A process that makes an environment, as a server does. */
export function server(on: Machine): ChildProcess {
  const conduct = `
    const [assets, conda, cacheFolder] = process.argv.slice(1);
    const { makeEnvironment } = await import(assets + "/environment.js");
    const { readRecipe } = await import(assets + "/recipe.js");
    const recipe = await readRecipe({ conda, codeFolder: null, env: process.env });
    const options = { cacheFolder, env: process.env, cure: "", progress: console.log };
    console.log("python", await makeEnvironment(recipe, options, new AbortController().signal));
  `;
  const yaml = join(tree({ "conda.yml": "dependencies: [numpy]" }), "conda.yml");
  const args = ["--input-type=module", "-e", conduct, packageFile("dist/endpoint/assets"), yaml, on.cache];
  return spawn(process.execPath, args, { env: { ...on.env }, stdio: ["ignore", "pipe", "inherit"] });
}
