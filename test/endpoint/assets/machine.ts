// A machine as tests want it: with or without uv and conda, and with a home of its own.
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
