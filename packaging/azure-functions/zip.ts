import { type FileHandle, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { ConfigError } from "../../src/host.ts";

/** Sizes and offsets of a plain zip have 32 bits. */
const MAX_BYTES = 0xffff_ffff;
const MAX_FILES = 0xffff;

/** Fixed, so that the same files make the same zip: 1 January 1980. */
const DATE = (1 << 5) | 1;
const UTF8_NAMES = 1 << 11;
const DEFLATE = 8;
const VERSION = 20;
/** Readable by all, executable as far as Linux cares for it: `-rwxr-xr-x`. */
const MODE = 0o100755;
const MADE_ON_UNIX = 3 << 8;

/** What a zip holds. */
export interface ZipReport {
  readonly bytes: number;
  /** Paths in the zip, sorted. */
  readonly files: readonly string[];
}

/** Packs a folder, its own name left out.
 *  @param except names at its top that are left out
 *  @throws ConfigError when the folder is more than a zip can hold (4 GB, 65,535 files) */
export async function zipFolder(folder: string, file: string, except: readonly string[]): Promise<ZipReport> {
  const files = (await listFiles(folder, "", new Set(except))).sort();
  if (files.length > MAX_FILES) throw tooMuch(`${files.length} files`);
  const handle = await open(file, "w");
  try {
    return { files, bytes: await write(handle, folder, files) };
  } finally {
    await handle.close();
  }
}

async function listFiles(folder: string, prefix: string, except: ReadonlySet<string>): Promise<string[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true });
  const lists = entries.map(async (entry) => {
    const path = `${prefix}${entry.name}`;
    if (except.has(path)) return [];
    return entry.isDirectory() ? listFiles(folder, `${path}/`, except) : [path];
  });
  return (await Promise.all(lists)).flat();
}

async function write(handle: FileHandle, folder: string, files: readonly string[]): Promise<number> {
  const directory: Buffer[] = [];
  let offset = 0;
  for (const path of files) {
    const content = await readFile(join(folder, path));
    const packed = deflateRawSync(content);
    const name = Buffer.from(path);
    const common = commonPart(name, content, packed);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, name]);
    directory.push(directoryEntry(common, name, offset));
    await handle.write(local);
    await handle.write(packed);
    offset += local.length + packed.length;
    if (offset > MAX_BYTES) throw tooMuch(`more than ${MAX_BYTES} bytes`);
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  await handle.write(entries);
  await handle.write(end);
  return offset + entries.length + end.length;
}

/** The 26 bytes that stand before a file and in the directory alike. */
function commonPart(name: Buffer, content: Buffer, packed: Buffer): Buffer {
  const part = Buffer.alloc(26);
  part.writeUInt16LE(VERSION, 0);
  part.writeUInt16LE(UTF8_NAMES, 2);
  part.writeUInt16LE(DEFLATE, 4);
  part.writeUInt16LE(0, 6);
  part.writeUInt16LE(DATE, 8);
  part.writeUInt32LE(crc32(content), 10);
  part.writeUInt32LE(packed.length, 14);
  part.writeUInt32LE(content.length, 18);
  part.writeUInt16LE(name.length, 22);
  return part;
}

function directoryEntry(common: Buffer, name: Buffer, offset: number): Buffer {
  const head = Buffer.alloc(6);
  head.write("PK\x01\x02", "latin1");
  head.writeUInt16LE(MADE_ON_UNIX | VERSION, 4);
  const rest = Buffer.alloc(14);
  rest.writeUInt32LE(MODE * 0x1_0000, 6);
  rest.writeUInt32LE(offset, 10);
  return Buffer.concat([head, common, rest, name]);
}

function tooMuch(what: string): ConfigError {
  return new ConfigError(
    "ERR_CONFIG",
    `the app has ${what}, more than a zip can hold; load the model from storage in init()`,
  );
}
