import { register } from "node:module";
import { pathToFileURL } from "node:url";
import { packageFile } from "../core/package-root.ts";

let registered = false;

/** From now on `import()` in this process compiles TypeScript, and stack traces name its source. */
export function enableTypeScript(): void {
  if (registered) return;
  registered = true;
  process.setSourceMapsEnabled(true);
  register(pathToFileURL(packageFile("dist/src/script/typescript-hooks.js")));
}
