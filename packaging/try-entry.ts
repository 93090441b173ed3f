// Entry of a process that loads what a cloud loads: `node try-entry.js FILE EXPORT`. Writes what went wrong to descriptor 3, or
// that nothing did.
import { writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import { pathToFileURL } from "node:url";

const [, , file = "", exported = ""] = process.argv;

// What Lambda's runtime offers to functions that stream.
Object.assign(globalThis, {
  awslambda: {
    streamifyResponse: (handler: unknown) => handler,
    HttpResponseStream: { from: (stream: unknown) => stream },
  },
});

async function main(): Promise<string> {
  const name = basename(file);
  try {
    const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
    const found = typeof module[exported];
    return found === "function" ? "" : `${name} exports no function ${exported}, which the cloud calls`;
  } catch (error) {
    if (!(error instanceof Error)) return `${name}: ${String(error)}`;
    const folder = `${dirname(file)}/`;
    const at = error.stack?.split("\n").find((line) => /^ +at /.test(line) && line.includes(folder));
    const place = /([^/(]+:\d+):\d+\)?$/.exec(at ?? "")?.[1] ?? name;
    return `${place}: ${error.name}: ${error.message.replaceAll(folder, "").split("\n")[0]}`;
  }
}

const problem = await main();
writeSync(3, JSON.stringify(problem === "" ? {} : { problem }));
process.exit(0);
