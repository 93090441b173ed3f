// Packs the built package into a temporary folder and checks that what a user installs resolves as promised.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "scorefn-pack-"));
let failed = false;
try {
  const packed = execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    cwd: root,
  });
  const tarball = join(folder, JSON.parse(String(packed))[0].filename);
  for (const command of [
    ["publint", "run", "--strict", tarball],
    ["attw", tarball, "--profile", "esm-only", "--format", "ascii"],
  ]) {
    const { status } = spawnSync("npx", ["--no-install", ...command], { cwd: root, stdio: "inherit" });
    failed ||= status !== 0;
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = failed ? 1 : 0;
