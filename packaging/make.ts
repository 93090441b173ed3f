// What every build does: lay out beside, bring along the user's edits, try, pack, put into place.
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { copyInventory, type Inventory, type LeftOut, takeInventory } from "./files.ts";
import type { Inputs, Step } from "./inputs.ts";
import { type IgnoreFile, leaveOutRules } from "./left-out.ts";
import { openOutFolder, problem } from "./out-folder.ts";
import { withoutLinks } from "./paths.ts";
import { type BuildReport, formatBytes, overLimit, type SizeLine } from "./report.ts";
import { modelInventory } from "./served-model.ts";

/** How one cloud's build is made. */
export interface Recipe {
  readonly target: string;
  readonly inputs: Inputs;
  /** What `scorefn invoke` and a rebuild have to know; no absolute paths. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Writes the build into a folder. */
  layOut(folder: string): Promise<void>;
  /** @throws ConfigError when it does not work   @returns what to know */
  try(folder: string): Promise<readonly string[]>;
  /** Makes one file of what was laid out and is deployed. */
  readonly pack?: {
    readonly file: string;
    /** @param kept files that are the user's */
    make(folder: string, kept: readonly string[]): Promise<void>;
  };
  measure(folder: string): Promise<readonly SizeLine[]>;
  readonly leftOut: readonly LeftOut[];
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
}

const INTERRUPTED = 130;

/** @throws ConfigError that names the cause and the cure; the older build is untouched then */
export async function makeBuild(recipe: Recipe): Promise<BuildReport> {
  const { inputs, target, settings, leftOut, notes, warnings } = recipe;
  const { step } = inputs;
  const out = await openOutFolder(inputs.out, recipe.pack && [recipe.pack.file]);
  const onSignal = (): void => {
    rmSync(out.staging, { recursive: true, force: true });
    process.exit(INTERRUPTED);
  };
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  try {
    await recipe.layOut(out.staging);
    await out.keepEdits();
    if (inputs.tryMode !== "no") step(`trying the build: ${inputs.tryMode === "init" ? "init()" : "loading"}`);
    const tried = await recipe.try(out.staging);
    if (recipe.pack !== undefined) step(`packing ${recipe.pack.file}`);
    await recipe.pack?.make(out.staging, out.kept);
    step("measuring");
    const sizes = await recipe.measure(out.staging);
    for (const { name, bytes, limit, cure } of overLimit(sizes)) throw tooLarge(name, bytes, limit!, cure);
    await out.finish({ target, settings });
    const { kept } = out;
    const news = kept.map((path) => `${path}.new`).filter((path) => existsSync(join(inputs.out, path)));
    return { directory: inputs.out, sizes, notes: [...tried, ...notes], kept, news, leftOut, warnings };
  } catch (error) {
    await out.discard();
    throw error;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

export function tooLarge(name: string, bytes: number, limit: number, cure = ""): Error {
  return problem(`${name}: ${formatBytes(bytes)}, and the cloud takes ${formatBytes(limit)}${cure && `; ${cure}`}`);
}

/** What goes in of the user's. */
export interface Content {
  /** The script's folder, for Python. */
  readonly source: Inventory | undefined;
  readonly model: Inventory | undefined;
  readonly leftOut: readonly LeftOut[];
}

/** @param reserved names at the top of the script's folder that the build has files of its own for */
export async function takeContent(
  { entryScript, served, modelDir, out, python, step }: Inputs,
  ignoreFiles: readonly IgnoreFile[],
  reserved: ReadonlyMap<string, string>,
): Promise<Content> {
  if (served !== undefined) {
    step(`reading ${served.path}`);
    const model = await modelInventory(served, [out, withoutLinks(out)]);
    return { source: undefined, model, leftOut: model.leftOut };
  }
  const folder = dirname(entryScript);
  step(`reading ${[...(python ? [folder] : []), ...(modelDir === undefined ? [] : [modelDir])].join(" and ")}`);
  // The list of packages is written anew.
  const except = [out, withoutLinks(out), modelDir ?? "", join(folder, "requirements.txt")];
  let source: Inventory | undefined;
  if (python) {
    const rules = leaveOutRules(folder, ignoreFiles);
    source = await takeInventory(folder, {
      except,
      leaveOut: (path, isFolder, place) =>
        place === entryScript ? undefined : (rules(path, isFolder, place) ?? reserved.get(path)),
    });
  }
  const model =
    modelDir === undefined
      ? undefined
      : await takeInventory(modelDir, { except: [out, withoutLinks(out)], name: "model_dir" });
  return { source, model, leftOut: [...(source?.leftOut ?? []), ...(model?.leftOut ?? [])] };
}

/** Copies what may be big. @param what it is, for whoever waits */
export async function copyBig(inventory: Inventory, to: string, what: string, step: Step): Promise<void> {
  const text = `copying ${what} (${formatBytes(inventory.bytes)})`;
  step(text);
  await copyInventory(inventory, to, (bytes) => step(text, formatBytes(bytes)));
}

/** Name of the model's folder in a build: the script may have a package or module of the usual name. */
export function modelName({ source, model }: Content): string | undefined {
  if (model === undefined) return undefined;
  const isTaken = source?.files.some(({ path }) => /^model(?:\/|\.py$)/.test(path)) ?? false;
  return isTaken ? "scorefn-model" : "model";
}
