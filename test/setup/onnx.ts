// Models of test/fixtures/models in a folder of their own, with the engine beside them as a user installs it.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { environment } from "./environments.mjs";

const FIXTURES = packageFile("test/fixtures/models");

/** Why there is no engine; false: there is one. For `describe.skipIf`; it throws in CI. */
export function missingEngine(): string | false {
  const made = environment("onnxruntime");
  if (!("unavailable" in made)) return false;
  if (process.env.CI === "true") throw new Error(made.unavailable);
  return made.unavailable;
}

/** @returns its `node_modules` */
export function engineModules(): string {
  const made = environment("onnxruntime");
  if ("unavailable" in made) throw new Error(made.unavailable);
  return join(made.directory, "node_modules");
}

export function fixtureModel(name: string): string {
  return join(FIXTURES, name);
}

/** A temporary folder that goes away after the test.
 *  @param files by their paths in it, each with the name of a fixture; as a list: under their own names
 *  @param modules with another engine */
export function modelFolder(files: Readonly<Record<string, string>> | readonly string[], modules?: string): string {
  const folder = mkdtempSync(join(tmpdir(), "scorefn-models-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return layOutModels(folder, files, modules);
}

/** The same in a folder that is there. */
export function layOutModels(
  folder: string,
  files: Readonly<Record<string, string>> | readonly string[],
  modules: string = engineModules(),
): string {
  const pairs = Array.isArray(files) ? files.map((name) => [name, name] as const) : Object.entries(files);
  for (const [path, fixture] of pairs) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(fixtureModel(fixture), join(folder, path));
  }
  if (!existsSync(join(folder, "node_modules"))) symlinkSync(modules, join(folder, "node_modules"), "junction");
  return folder;
}
