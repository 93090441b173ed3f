// The benchmark of models, as far as it needs no other server: that it starts, asks and counts.
import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { packageFile } from "../src/core/package-root.ts";
import { DEADLINE_MS } from "./setup/deadline.ts";
import { environment } from "./setup/environments.mjs";

const ROOT = packageFile(".");
const hasWrk = spawnSync("wrk", ["--version"]).error === undefined;
const missing = [environment("models"), environment("onnx")].some((found) => "unavailable" in found);

test.skipIf(!hasWrk || missing)(
  "a short round of ours finds no failed request",
  { timeout: 3 * DEADLINE_MS },
  async () => {
    const program = [join(ROOT, "bench", "index.mjs"), "models", "--smoke"];
    const { stdout } = await promisify(execFile)(process.execPath, program, { cwd: ROOT, timeout: 3 * DEADLINE_MS });
    const rows = stdout.split("\n").filter((line) => /^\| (?:scorefn|script)/.test(line));
    const cells = rows.map((row) => row.split("|").map((cell) => cell.trim()));
    // Seven ways, and four servers.
    expect(cells).toHaveLength(11);
    for (const [, , , rate] of cells.slice(0, 7)) expect(Number(rate!.replaceAll(",", ""))).toBeGreaterThan(0);
    for (const [, , , , failed] of cells.slice(7)) expect(failed).toBe("0");
    expect(stdout).toMatch(/^The protocol above a script by hand, 1 connection: -?\d+ us more per request$/m);
    expect(stdout).toMatch(/^A picture in binary to JSON, 1 connections: [\d.]+ times$/m);
  },
);
