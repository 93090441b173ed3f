import { register } from "node:module";
import { pathToFileURL } from "node:url";
import { packageFile } from "../core/package-root.ts";

/** Names of files that Node cannot run as they are. */
export const TYPESCRIPT: RegExp = /\.([cm]?)tsx?$/;

export function isTypeScript(path: string): boolean {
  return TYPESCRIPT.test(path);
}

let registered = false;

/** From now on `import()` in this process compiles TypeScript, and stack traces name its source. */
export function enableTypeScript(): void {
  if (registered) return;
  registered = true;
  process.setSourceMapsEnabled(true);
  register(pathToFileURL(packageFile("dist/src/script/typescript-hooks.js")));
}
