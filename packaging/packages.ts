// npm packages that cannot become part of a bundle: those with machine code are copied as they are installed.
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { cp, rm } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import type { Architecture } from "./inputs.ts";
import { problem } from "./out-folder.ts";
import { isInside, slashed } from "./paths.ts";

/** Where a build runs: the clouds have Linux with glibc. */
export interface Platform {
  readonly arch: Architecture;
  readonly platform: "linux";
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  /** One, or a list; npm takes both. */
  readonly os?: string | readonly string[];
  readonly cpu?: string | readonly string[];
  readonly libc?: string | readonly string[];
}

/** The folder of an installed package, as Node looks for it, without links. */
export function findPackage(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, "node_modules", name);
    if (existsSync(join(place, "package.json"))) return realpathSync(place);
    if (folder === dirname(folder)) return undefined;
  }
}

/** Whether a package has compiled parts: its own, or in optional packages, one for each platform. */
export function isCompiled(folder: string): boolean {
  const optional = Object.keys(manifestOf(folder).optionalDependencies ?? {});
  return optional.some((name) => platformOf(name) !== undefined) || holdsMachineCode(folder);
}

/** @param within packages in it count, too */
export function holdsMachineCode(folder: string, within = false): boolean {
  return readdirSync(folder, { withFileTypes: true }).some((entry) => {
    if (!entry.isDirectory()) return entry.name.endsWith(".node");
    return (within || entry.name !== "node_modules") && holdsMachineCode(join(folder, entry.name), within);
  });
}

/** Copies installed packages and all they depend on below `to`/node_modules, each for the one platform they are to run on.
 *  @throws ConfigError when what the platform needs is not installed */
export async function copyPackages(folders: readonly string[], to: string, target: Platform): Promise<void> {
  /** What lies where. */
  const copied = new Map<string, string>();

  /** What Node would find under a name from a folder in the build. */
  function visibleFrom(holder: string, name: string): string | undefined {
    for (let folder = holder; ; folder = dirname(folder)) {
      const found = copied.get(join(folder, "node_modules", name));
      if (found !== undefined || folder === to) return found;
    }
  }

  /** @param holder folder in the build whose package asks for it */
  async function copy(name: string, folder: string, holder: string): Promise<void> {
    const visible = visibleFrom(holder, name);
    if (visible === folder) return;
    // Another version: only whoever asks for it sees it.
    const place = join(visible === undefined ? to : holder, "node_modules", name);
    const other = copied.get(place);
    if (other !== undefined) {
      throw problem(
        `two versions of the package ${name} are asked for, ${other} and ${folder}; have one of them installed`,
      );
    }
    copied.set(place, folder);
    const isWanted = (path: string): boolean => {
      const own = path.slice(folder.length);
      return !isForeign(own, target) && !isLinkedPackage(own, path) && !isNeedless(name, own);
    };
    await cp(folder, place, { recursive: true, dereference: true, filter: isWanted });
    await rm(join(place, "node_modules", ".bin"), { recursive: true, force: true });
    await copyNeeds(name, folder, place);
  }

  /** @param place of the package in the build */
  async function copyNeeds(name: string, folder: string, place: string): Promise<void> {
    const { dependencies: all = {}, optionalDependencies = {} } = manifestOf(folder);
    const unused = NEEDLESS[name]?.packages ?? [];
    const dependencies = Object.fromEntries(Object.entries(all).filter(([each]) => !unused.includes(each)));
    checkOptional(name, folder, Object.keys(optionalDependencies), target);
    const found = Object.keys({ ...dependencies, ...optionalDependencies })
      .sort()
      .map((dependency) => [dependency, findPackage(dependency, folder)] as const)
      .filter((each): each is [string, string] => each[1] !== undefined && fits(manifestOf(each[1]), target));
    // Those within it have come along with it, and stand before all others; what they need may lie elsewhere.
    const within = found
      .filter(([, from]) => isInside(from, folder))
      .map(([dependency, from]) => [dependency, from, join(place, relative(folder, from))] as const)
      .filter(([, , inner]) => !copied.has(inner));
    for (const [, from, inner] of within) copied.set(inner, from);
    for (const [dependency, from, inner] of within) await copyNeeds(dependency, from, inner);
    for (const [dependency, from] of found) if (!isInside(from, folder)) await copy(dependency, from, place);
  }

  for (const folder of [...folders].sort()) await copy(nameOf(folder), realpathSync(folder), to);
}

interface Needless {
  readonly files: RegExp;
  readonly packages: readonly string[];
}

/** Of packages that hold much that nobody runs: which of their files, and of their dependencies, only serve to install or to
 *  compile, or are for processors that no cloud has here. */
const NEEDLESS: Readonly<Record<string, Needless>> = {
  "onnxruntime-node": {
    files: /^\/(?:lib|script)(?:\/|$)|\/libonnxruntime_providers_|\.(?:md|map|d\.ts)$/,
    packages: ["adm-zip", "global-agent"],
  },
  "onnxruntime-common": { files: /^\/lib(?:\/|$)|\.(?:md|map|d\.ts)$/, packages: [] },
};

/** @param own a file's or folder's path below its package: of one that lies within it that one's rule counts */
function isNeedless(name: string, own: string): boolean {
  const path = slashed(own);
  if (NEEDLESS[name]?.packages.some((each) => `${path}/`.startsWith(`/node_modules/${each}/`))) return true;
  const [, inner = name, rest = path] = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)(\/.*)$/.exec(path) ?? [];
  return NEEDLESS[inner]?.files.test(rest) === true;
}

/** A package of the same workspace, or of pnpm's store: copied as what it is, if it is needed at all. Packages of a workspace
 *  may lead to each other in a circle. @param own its path below the package that holds the link */
function isLinkedPackage(own: string, path: string): boolean {
  return /[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+$/.test(own) && lstatSync(path).isSymbolicLink();
}

function nameOf(folder: string): string {
  const scope = basename(dirname(folder));
  return scope.startsWith("@") ? `${scope}/${basename(folder)}` : basename(folder);
}

/** A package that has its compiled parts in optional ones needs at least one for the platform. */
function checkOptional(name: string, folder: string, optional: readonly string[], { arch, platform }: Platform): void {
  const needed = optional.filter((dependency) => {
    const of = platformOf(dependency);
    return of?.platform === platform && of.arch === arch && !of.musl;
  });
  if (needed.length === 0 || needed.some((dependency) => findPackage(dependency, folder) !== undefined)) return;
  throw problem(
    `the package ${name} has its compiled parts for ${platform} on ${arch} in ${needed.join(", ")}, which is not ` +
      `installed; install it with: npm install --os=${platform} --cpu=${arch} --libc=glibc --include=optional`,
  );
}

/** Whether a package may be installed on the platform, by what it says itself. */
function fits({ os, cpu, libc }: Manifest, { arch, platform }: Platform): boolean {
  const allows = (said: string | readonly string[] | undefined, value: string): boolean => {
    const list = [said ?? []].flat();
    if (list.length === 0) return true;
    if (list.includes(`!${value}`)) return false;
    return list.includes(value) || list.includes("any") || list.every((entry) => entry.startsWith("!"));
  };
  return allows(os, platform) && allows(cpu, arch) && allows(libc, "glibc");
}

function manifestOf(folder: string): Manifest {
  try {
    return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest | null) ?? {};
  } catch {
    return {};
  }
}

const PLATFORMS = ["linux", "darwin", "win32", "freebsd", "android", "linuxmusl"];
const ARCHITECTURES = ["x64", "arm64", "arm", "ia32"];

/** What a name like `@img/sharp-linux-x64` or `@esbuild/linux-x64` stands for. */
function platformOf(name: string): { platform: string; arch: string; musl: boolean } | undefined {
  const words = name.toLowerCase().split(/[^a-z0-9]+/);
  const platform = words.find((word) => PLATFORMS.includes(word));
  const arch = words.find((word) => ARCHITECTURES.includes(word));
  if (platform === undefined || arch === undefined) return undefined;
  return { platform: platform.replace("musl", ""), arch, musl: words.some((word) => word.endsWith("musl")) };
}

/** True for the parts of a package that are meant for other machines, by the names of their folders. */
function isForeign(path: string, { arch, platform }: Platform): boolean {
  const parts = path.split(sep).flatMap((part) => part.split("-"));
  return parts.some(
    (part) => (PLATFORMS.includes(part) && part !== platform) || (ARCHITECTURES.includes(part) && part !== arch),
  );
}
