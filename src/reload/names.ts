// Which files a score script is made of, by their names.

/** What packages, tools and version control keep; names with a dot in front are passed over, too. */
const FOREIGN_FOLDERS: ReadonlySet<string> = new Set(["node_modules", "__pycache__", "venv", "env", "site-packages"]);

/** Code and settings. Data is left out: scripts write it, logs above all, and each request would load the script anew. */
const CODE = /\.(?:py|pyd|so|[cm]?[jt]sx?|node|wasm|jsonc?|ya?ml|toml|ini|cfg|conf|properties)$|^\.env(?:\.|$)/i;

/** What editors write beside a file, and compilers. `4913` is how vim finds out whether it may write. */
const LEFTOVER = /~$|^\.#|^#.*#$|^\._|\.sw[a-p]x?$|^4913$|___jb_\w+___$|\.py[co]$|\.tmp$|^\.DS_Store$/i;

export function isOwnFolder(name: string): boolean {
  return !name.startsWith(".") && !FOREIGN_FOLDERS.has(name.toLowerCase());
}

export function isAnyFile(name: string): boolean {
  return !LEFTOVER.test(name);
}

export function isCode(name: string): boolean {
  return CODE.test(name) && !LEFTOVER.test(name);
}
