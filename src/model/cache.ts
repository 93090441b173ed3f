// What is kept of one model: whole versions of it, and what a fetch that has not ended left behind.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, copyFile, link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { attempt } from "../core/attempt.ts";
import { explainDisk } from "./download.ts";
import { type ModelFile, modelError } from "./store.ts";

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
 *  - `staging/` holds the files of the next version that are complete, which `staging.json` lists by their tags
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
    for (const path of Object.keys(done)) {
      if (wanted.get(path)?.tag !== done[path]) {
        await rm(join(this.staging, path), { force: true });
        delete done[path];
      }
    }
    // What the folder holds besides would become part of the model.
    for (const path of await filesBelow(this.staging)) {
      if (!(path in done)) await rm(join(this.staging, path), { force: true });
    }
    await this.#removeParts(files);
    const missing: ModelFile[] = [];
    const old = await this.#manifest();
    for (const file of files) {
      const target = join(this.staging, file.path);
      await mkdir(dirname(target), { recursive: true });
      const isThere = file.path in done && (await hasSize(target, file.bytes));
      if (isThere) continue;
      // A folder may have become a file.
      await rm(target, { recursive: true, force: true });
      if (!(await this.#takeOver(file, target, old))) missing.push(file);
    }
    await this.#writeStaged(
      Object.fromEntries(files.filter((file) => !missing.includes(file)).map(({ path, tag }) => [path, tag])),
    );
    return missing;
  }

  /** A file has been put into `staging/`. */
  async staged(file: ModelFile): Promise<void> {
    await this.#writeStaged({ ...(await this.#readStaged()), [file.path]: file.tag });
  }

  /** Makes of what is staged a version. @returns its folder */
  async complete(files: readonly ModelFile[]): Promise<string> {
    const version = versionOf(files);
    const target = join(this.folder, version);
    // It was there once, and something of it is missing now.
    await rm(target, { recursive: true, force: true });
    await rename(this.staging, target);
    await this.use(files);
    await rm(join(this.folder, "staging.json"), { force: true });
    await rm(join(this.folder, "parts"), { recursive: true, force: true });
    return target;
  }

  /** Makes a version that is there the one that counts, and removes those that neither it nor servers still use. */
  async use(files: readonly ModelFile[]): Promise<void> {
    const version = versionOf(files);
    const old = await this.#manifest();
    const previous = old === undefined || old.version === version ? (old?.previous ?? null) : old.version;
    const listed = files.map(({ path, bytes, tag }) => ({ path, bytes, tag }));
    await this.#write("manifest.json", { uri: this.#uri, version, previous, files: listed } satisfies Manifest);
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
  async #takeOver({ path, bytes, tag }: ModelFile, target: string, old: Manifest | undefined): Promise<boolean> {
    if (!old?.files.some((file) => file.path === path && file.tag === tag && file.bytes === bytes)) return false;
    const source = join(this.folder, old.version, path);
    if (!(await hasSize(source, bytes))) return false;
    await link(source, target).catch(() => copyFile(source, target, constants.COPYFILE_FICLONE));
    return true;
  }

  async #removeParts(files: readonly ModelFile[]): Promise<void> {
    const parts = join(this.folder, "parts");
    await mkdir(parts, { recursive: true });
    const wanted = files.map((file) => this.partOf(file));
    for (const name of await readdir(parts)) {
      if (!wanted.includes(join(parts, name))) await rm(join(parts, name), { recursive: true, force: true });
    }
  }

  async #manifest(): Promise<Manifest | undefined> {
    const manifest = (await this.#read("manifest.json")) as Partial<Manifest> | undefined;
    return manifest?.uri === this.#uri && Array.isArray(manifest.files) ? (manifest as Manifest) : undefined;
  }

  async #readStaged(): Promise<Record<string, string>> {
    return ((await this.#read("staging.json")) ?? {}) as Record<string, string>;
  }

  #writeStaged(done: Readonly<Record<string, string>>): Promise<void> {
    return this.#write("staging.json", done);
  }

  async #read(name: string): Promise<unknown> {
    const text = await readFile(join(this.folder, name), "utf8").catch(() => "null");
    return attempt(() => JSON.parse(text) as unknown, null) ?? undefined;
  }

  /** Whoever reads it sees the old or the new. */
  async #write(name: string, content: object): Promise<void> {
    const draft = join(this.folder, `${name}.${process.pid}`);
    await writeFile(draft, `${JSON.stringify(content)}\n`, { flush: true });
    await rename(draft, join(this.folder, name));
  }
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
  const found = await stat(shared);
  // A model is code: nobody else may have put one there.
  if (user !== undefined && (found.uid !== user || (found.mode & 0o022) !== 0)) {
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
