import { readdir, readFile, readlink } from "node:fs/promises";

/** State of a socket that listens, in /proc/net/tcp. */
const LISTENS = "0A";
const STATE_COLUMN = 3;
const INODE_COLUMN = 9;

/** The process that listens at a port: `python3 (process 4711)`. Undefined where the system does not tell, or not this user. */
export async function portHolder(port: number): Promise<string | undefined> {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFile(path, "latin1").catch(() => "")),
  );
  const sockets = new Set<string>();
  for (const line of tables.join("\n").split("\n")) {
    const columns = line.trim().split(/\s+/);
    if (!columns[1]?.endsWith(ending) || columns[STATE_COLUMN] !== LISTENS) continue;
    sockets.add(`socket:[${columns[INODE_COLUMN]}]`);
  }
  if (sockets.size === 0) return undefined;
  for (const pid of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    for (const descriptor of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      if (!sockets.has(await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => ""))) continue;
      const name = (await readFile(`/proc/${pid}/comm`, "latin1").catch(() => "a program")).trim();
      return `${name} (process ${pid})`;
    }
  }
  return undefined;
}
