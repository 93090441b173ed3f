import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { bundle } from "../../../packaging/bundle.ts";
import { bundleScript, SCRIPT_FILE } from "../../../packaging/script.ts";
import { createLog } from "../../../src/host.ts";
import { loadJavaScript } from "../../../src/script/javascript.ts";
import { SCRIPTS, temporaryFolder } from "../../setup/service.ts";

/** Words of the validator of JSON Schemas. */
const VALIDATOR = "does not match any subschemas";

test("a bundled script brings its own copy of what it declares with", async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const entryScript = join(SCRIPTS, "schema.ts");
  await bundleScript(entryScript, folder.file(""), []);
  const importScript = async () =>
    ((await import(pathToFileURL(folder.file(SCRIPT_FILE)).href)) as { exported: Record<string, unknown> }).exported;
  const script = await loadJavaScript(
    { entryScript, appRoot: SCRIPTS, modelDir: null, importScript },
    createLog(() => {}, "CRITICAL"),
  );
  const call = async (body: string) =>
    script.run({ body: Buffer.from(body), signal: () => new AbortController().signal });
  expect(await call('{"data": [[1, 2]], "mode": "sum"}')).toMatchObject({ body: "[6,0]" });
  await expect(call('{"data": [], "mode": 1}')).rejects.toMatchObject({
    status: 400,
    message: 'Invalid input: mode: does not match any of ["sum","mirror"]',
  });
});

test("a host's bundle has no validator in it", async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const outfile = folder.file("host.mjs");
  const entry =
    'import { inProcess, startService } from "scorefn/lambda/service"; console.log(inProcess, startService);';
  await bundle({ of: "host", entry, outfile, scriptDir: SCRIPTS });
  expect(await readFile(outfile, "utf8")).not.toContain(VALIDATOR);
});
