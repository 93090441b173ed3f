// Every file of test/fixtures/endpoints, and what is said of it: messages.txt holds each line that a user sees.
import { readdirSync } from "node:fs";
import { join, sep } from "node:path";
import { expect, test } from "vitest";
import { kindOfFile, readDeploymentFile, readEndpointFile, SpecError } from "../../../endpoint/spec/index.ts";

const FOLDER = "test/fixtures/endpoints";
const FILES = readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
  .map((path) => path.split(sep).join("/"))
  .filter((path) => /\.ya?ml$/i.test(path) && !path.startsWith("assets/"))
  .sort();

function said(path: string): string {
  try {
    const kind = kindOfFile(path);
    const read = kind === "endpoint" ? readEndpointFile : readDeploymentFile;
    return [`read as ${kind === "endpoint" ? "an endpoint" : "a deployment"}`, ...read(path).warnings].join("\n");
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return `refused\n${error.message}`;
  }
}

test("says of each file what it is, and all that is wrong with it", async () => {
  const texts = FILES.map((file) => `=== ${file}\n${said(join(FOLDER, file))}\n`);
  const text = texts.join("\n").replaceAll(`${process.cwd()}/`, "").replaceAll(`${FOLDER}/`, "");
  expect(FILES.length).toBeGreaterThan(50);
  await expect(text).toMatchFileSnapshot("messages.txt");
});
