#!/usr/bin/env node
// `npm create scorefn FOLDER -- --template NAME` is `scorefn init FOLDER --template NAME`.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { resolve } = createRequire(import.meta.url);
const { bin } = createRequire(import.meta.url)("scorefn/package.json");
const command = new URL(bin.scorefn, pathToFileURL(resolve("scorefn/package.json"))).href;
process.argv.splice(2, 0, "init");
await import(command);
