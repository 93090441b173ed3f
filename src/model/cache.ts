// What is kept of one model: whole versions of it, and what a fetch that has not ended left behind.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import {
  access,
  appendFile,
  copyFile,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { attempt } from "../core/attempt.ts";
import { explainDisk } from "./download.ts";
import { type ModelFile, modelError } from "./store.ts";

const STAGED = "staging.jsonl";

/** What is known of a version that is complete. */
interface Manifest {
  readonly uri: string;
  readonly version: string;
  /** The one before, which servers may still use. */
  readonly previous: string | null;
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly tag: string }[];
}

/** Folder of one model in the cache:
 *  - `manifest.json` names the version that is complete, and its files
 *  - a folder per version, which has its name only when it is complete
 *  - `staging/` holds the files of the next version that are complete; `staging.jsonl` has a line for each, with its tag
 *  - `parts/` what has been fetched of others */
export class ModelCache {
  readonly folder: string;
  readonly #uri: string;

  /** @param uri without secrets */
  constructor(root: string, uri: string) {
    this.#uri = uri;
    this.folder = join(root, `${nameOf(uri)}-${digest(uri)}`);
  }

  get lockFile(): string {
    return join(this.folder, "lock");
  }

  get staging(): string {
    return join(this.folder, "staging");
  }

  partOf(file: ModelFile): string {
    return join(this.folder, "parts", digest(`${file.path}\0${file.tag}\0${file.bytes}`));
  }

  /** Folder of the version that consists of these files; undefined: it is not there, or something of it is missing. */
  find(files: readonly ModelFile[]): Promise<string | undefined> {
    return this.#intact(versionOf(files), files);
  }

  /** Folder of the version that was complete last. */
  async findLatest(): Promise<string | undefined> {
    const manifest = await this.#manifest();
    return manifest === undefined ? undefined : this.#intact(manifest.version, manifest.files);
  }

  /** Makes ready what the files are fetched into. @returns those that are still to be fetched */
  async prepare(files: readonly ModelFile[]): Promise<ModelFile[]> {
    const done = await this.#readStaged();
    const wanted = new Map(files.map((file) => [file.path, file]));
    for (const [path, tag] of done) if (wanted.get(path)?.tag !== tag) done.delete(path);
    // What the folder holds besides would become part of the model.
    for (const path of await filesBelow(this.staging)) {
      if (!done.has(path)) await rm(join(this.staging, path), { force: true });
    }
    await this.#removeParts(files);
    const missing: ModelFile[] = [];
    let lines = "";
    const old = await this.#manifest();
    const oldFiles = new Map(old?.files.map((file) => [file.path, file]));
    for (const file of files) {
      const { path, tag } = file;
      const target = join(this.staging, path);
      await mkdir(dirname(target), { recursive: true });
      const isThere = done.has(path) && (await hasSize(target, file.bytes));
      // A folder may have become a file.
      if (!isThere) await rm(target, { recursive: true, force: true });
      if (isThere || (await this.#takeOver(file, target, old?.version, oldFiles.get(path)))) lines += lineOf(path, tag);
      else missing.push(file);
    }
    await this.#write(STAGED, lines);
    return missing;
  }

  /** A file has been put into `staging/`. */
  staged({ path, tag }: ModelFile): Promise<void> {
    return appendFile(join(this.folder, STAGED), lineOf(path, tag));
  }

  /** Makes of what is staged a version. @returns its folder */
  async complete(files: readonly ModelFile[]): Promise<string> {
    const version = versionOf(files);
    const target = join(this.folder, version);
    // It was there once, and something of it is missing now.
    await rm(target, { recursive: true, force: true });
    await rename(this.staging, target);
    await this.use(files);
    await rm(join(this.folder, STAGED), { force: true });
    await rm(join(this.folder, "parts"), { recursive: true, force: true });
    return target;
  }

  /** Makes a version that is there the one that counts, and removes those that neither it nor servers still use. */
  async use(files: readonly ModelFile[]): Promise<void> {
    const version = versionOf(files);
    const old = await this.#manifest();
    const previous = old === undefined || old.version === version ? (old?.previous ?? null) : old.version;
    const listed = files.map(({ path, bytes, tag }) => ({ path, bytes, tag }));
    const manifest: Manifest = { uri: this.#uri, version, previous, files: listed };
    await this.#write("manifest.json", `${JSON.stringify(manifest)}\n`);
    for (const entry of await readdir(this.folder)) {
      if (VERSION_NAME.test(entry) && entry !== version && entry !== previous) {
        await rm(join(this.folder, entry), { recursive: true, force: true });
      }
    }
  }

  async #intact(version: string, files: Manifest["files"]): Promise<string | undefined> {
    const folder = join(this.folder, version);
    for (const { path, bytes } of files) {
      if (!(await hasSize(join(folder, path), bytes))) return undefined;
    }
    return files.length === 0 ? undefined : folder;
  }

  /** A file that has not changed is shared with the version before. */
  async #takeOver(
    { path, bytes, tag }: ModelFile,
    target: string,
    version: string | undefined,
    old: Manifest["files"][number] | undefined,
  ): Promise<boolean> {
    if (version === undefined || old?.tag !== tag || old.bytes !== bytes) return false;
    const source = join(this.folder, version, path);
    if (!(await hasSize(source, bytes))) return false;
    await link(source, target).catch(() => copyFile(source, target, constants.COPYFILE_FICLONE));
    return true;
  }

  async #removeParts(files: readonly ModelFile[]): Promise<void> {
    const parts = join(this.folder, "parts");
    await mkdir(parts, { recursive: true });
    const wanted = new Set(files.map((file) => this.partOf(file)));
    for (const name of await readdir(parts)) {
      if (!wanted.has(join(parts, name))) await rm(join(parts, name), { recursive: true, force: true });
    }
  }

  async #manifest(): Promise<Manifest | undefined> {
    const text = await readFile(join(this.folder, "manifest.json"), "utf8").catch(() => "");
    const manifest = attempt(() => JSON.parse(text) as Partial<Manifest> | null, null);
    return manifest?.uri === this.#uri && Array.isArray(manifest.files) ? (manifest as Manifest) : undefined;
  }

  /** Path to tag; a line that was cut off when the process ended is none. */
  async #readStaged(): Promise<Map<string, string>> {
    const text = await readFile(join(this.folder, STAGED), "utf8").catch(() => "");
    const lines = text.split("\n").map((line) => attempt(() => JSON.parse(line) as unknown, undefined));
    return new Map(lines.filter((line): line is [string, string] => Array.isArray(line)));
  }

  /** Whoever reads it sees the old or the new. Whoever writes it has the lock, so that one name will do for drafts: what a
   *  killed process leaves behind does not pile up. */
  async #write(name: string, content: string): Promise<void> {
    const draft = join(this.folder, `${name}.draft`);
    await writeFile(draft, content, { flush: true });
    await rename(draft, join(this.folder, name));
  }
}

function lineOf(path: string, tag: string): string {
  return `${JSON.stringify([path, tag])}\n`;
}

const VERSION_NAME = /^v-[0-9a-f]{16}$/;

function versionOf(files: Manifest["files"]): string {
  const lines = files.map(({ path, bytes, tag }) => JSON.stringify([path, bytes, tag]));
  return `v-${digest(lines.sort().join("\n"))}`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** The last part of an address, for people who look into the cache. */
function nameOf(uri: string): string {
  return (uri.split("/").filter(Boolean).at(-1) ?? "model").replace(/[^\w.-]/g, "_").slice(0, 40);
}

async function hasSize(file: string, bytes: number): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() === true && found.size === bytes;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll("\\", "/"),
    );
}

/** The folder that all models are kept in: the chosen one, the user's cache, or, where that cannot be written to, one of the
 *  user's own below the folder for temporary files.
 *  @throws ScoreError `ERR_MODEL_DISK` */
export async function openCacheFolder(
  chosen: string | null,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  if (chosen !== null) {
    const folder = resolve(chosen);
    await mkdir(folder, { recursive: true }).catch((error: unknown) => {
      throw explainDisk(error, folder);
    });
    return folder;
  }
  const home = env.HOME || attempt(homedir, "");
  const caches = env.XDG_CACHE_HOME || (home === "" ? "" : join(home, ".cache"));
  const own = join(caches, "scorefn", "models");
  if (caches !== "" && (await canMake(own))) return own;
  // Undefined on Windows, where the folder for temporary files is the user's own.
  const user = process.getuid?.();
  const shared = join(tmpdir(), `scorefn-models-${user ?? "own"}`);
  await mkdir(shared, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw explainDisk(error, shared);
  });
  // Of a link, too, its owner is asked for: whoever made it could let it lead elsewhere later.
  const found = await lstat(shared);
  // A model is code: nobody else may have put one there.
  if (user !== undefined && (found.uid !== user || !found.isDirectory() || (found.mode & 0o022) !== 0)) {
    const cure = "choose a folder of your own with --model_cache or SCOREFN_MODEL_CACHE";
    throw modelError("ERR_MODEL_DISK", `${shared} belongs to somebody else, or others can write to it; ${cure}.`);
  }
  return shared;
}

async function canMake(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
