// Stands before esbuild in the wheel. Its program is for one platform and the wheel for all, so it is fetched once, by
// scorefn/esbuild.py, to a folder that names its version: after an upgrade the old one is not taken for the new.
"use strict";
const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { version } = require("./package.json");

if (!process.env.ESBUILD_BINARY_PATH) {
  const name = process.platform === "win32" ? "esbuild.exe" : "esbuild";
  const program = join(__dirname, "programs", version, `${process.platform}-${process.arch}`, name);
  if (!existsSync(program)) {
    const python = process.env.SCOREFN_PYTHON || "python";
    throw new Error(
      `TypeScript and builds need esbuild, which pip does not bring; fetch it once: ${python} -m scorefn.esbuild`,
    );
  }
  process.env.ESBUILD_BINARY_PATH = program;
}
module.exports = require("./lib/main.js");
