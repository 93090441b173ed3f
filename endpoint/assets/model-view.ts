// The folder that a script finds as AZUREML_MODEL_DIR. As in the cloud it holds the model under the last name of its path,
// and nothing of what lies beside it.
import { createHash, randomUUID } from "node:crypto";
import { link, lstat, mkdir, readdir, readlink, rename, rm, stat, symlink } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { problem } from "./problem.ts";

/** A model that is on this machine. */
export interface FoundModel {
  /** Absolute; a folder or a file. */
  readonly path: string;
  /** As the cloud would have it in the path; null: it has none. */
  readonly name: string | null;
  readonly version: string | null;
}

/** Folders with more files than this are shown by one link: it takes no time, and hides only that links are there. */
const MAX_FILES = 10_000;

/** What the cloud takes for the version of a model that has none. */
const FIRST_VERSION = "1";

/** Files of a folder by their paths below it, and the folders they are in. */
interface Listing {
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

/** Makes the folder, or completes what is there of it. Its folders are real, so that a walk that does not follow links finds
 *  all, and what a script writes beside a file of the model does not get into the model; its files are links.
 *  Another model, or another list of files, has another folder: what older workers see does not change.
 *  @param folder where views lie   @returns `<folder>/<digest>/azureml-models/<name>/<version>`   @throws ConfigError */
export async function showModel({ path, name, version }: FoundModel, folder: string): Promise<string> {
  const digest = createHash("sha256").update(path);
  const hash = digest.copy().digest("hex");
  try {
    const isFolder = (await stat(path)).isDirectory();
    // A view of what holds the view would grow with each look at it.
    const isWithin = `${folder}${sep}`.startsWith(`${path}${sep}`);
    const listing = isFolder && !isWithin ? await listModel(path) : undefined;
    const key = digest
      .update(JSON.stringify([name, version, listing ?? isFolder]))
      .digest("hex")
      .slice(0, 16);
    const own = join(folder, key);
    const view = join(own, "azureml-models", partOf(name) ?? hash, partOf(version) ?? FIRST_VERSION);
    const shown = join(view, basename(path));
    await mkdir(view, { recursive: true, mode: 0o700 });
    if (listing === undefined) await putLink(path, shown, isFolder, own);
    else {
      await mkdir(shown, { recursive: true });
      for (const inner of listing.folders) await mkdir(join(shown, inner), { recursive: true });
      for (const inner of listing.files) await putLink(join(path, inner), join(shown, inner), false, own);
    }
    return view;
  } catch (error) {
    throw problem(`the model ${path} cannot be shown in ${folder}: ${(error as Error).message}`);
  }
}

/** A name that can be one of a folder. */
function partOf(name: string | null): string | undefined {
  return name !== null && /^\w[\w.-]{0,200}$/.test(name) ? name : undefined;
}

/** @returns undefined: there are too many files */
async function listModel(path: string): Promise<Listing | undefined> {
  const folders: string[] = [];
  const files: string[] = [];
  const open = [""];
  for (let inner = open.pop(); inner !== undefined; inner = open.pop()) {
    for (const entry of await readdir(join(path, inner), { withFileTypes: true })) {
      const at = join(inner, entry.name);
      // A link to a folder is shown as a link: it may lead to a folder above.
      if (!entry.isDirectory()) files.push(at);
      else {
        folders.push(at);
        open.push(at);
      }
      if (files.length + folders.length > MAX_FILES) return undefined;
    }
  }
  return { folders: folders.sort(), files: files.sort() };
}

/** Others may do the same at the same time. @param drafts folder for what is not in its place yet, out of the script's sight */
async function putLink(target: string, place: string, isFolder: boolean, drafts: string): Promise<void> {
  if ((await readlink(place).catch(() => undefined)) === target) return;
  const draft = join(drafts, randomUUID());
  // Links to files take rights on Windows that few have there.
  await symlink(target, draft, isFolder ? "junction" : "file").catch((error: unknown) => {
    if (process.platform !== "win32") throw error;
    return link(target, draft);
  });
  try {
    // A script may have put something of its own there.
    if ((await lstat(place).catch(() => undefined))?.isDirectory()) await rm(place, { recursive: true, force: true });
    await rename(draft, place);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
