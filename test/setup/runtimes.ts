// What the tests of built functions need besides: newer versions of Node, and Lambda's own runtime client. Both are kept
// below test/.envs and made once.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { packageFile } from "../../src/package-root.ts";
import { withLock } from "./lock.mjs";

/** Versions of the npm packages. */
const NODE = { 22: "22.23.3", 24: "24.21.0" } as const;
const RUNTIME_CLIENT = "4.0.2";
const CDK = "2.276.0";
const AWS_SDK = ["@aws-sdk/client-lambda@3.1162.0", "@aws-sdk/client-codedeploy@3.1133.0"];

/** The runtime client is compiled: minutes on a slow machine. */
const DEADLINE_MS = 15 * 60_000;

const HOW_TO_GET =
  "needs a C++ compiler, make and (Debian's names) autoconf automake libtool cmake; install them and run the tests again";

/** Path of a Node of that major version; throws when it cannot be had. */
export async function preparedNode(major: keyof typeof NODE): Promise<string> {
  const folder = await prepare(`node${major}`, `node@${NODE[major]}`, "node_modules/node/bin/node");
  return join(folder, "node_modules/node/bin/node");
}

/** Path of Lambda's runtime client; undefined where it cannot be had, except under CI=true: there that is an error. */
export async function preparedRuntimeClient(): Promise<string | undefined> {
  const proof = "node_modules/aws-lambda-ric/rapid-client.node";
  try {
    const folder = await prepare("runtime-client", `aws-lambda-ric@${RUNTIME_CLIENT}`, proof);
    return join(folder, "node_modules/aws-lambda-ric/index.mjs");
  } catch (error) {
    if (process.env.CI === "true") throw error;
    console.log(`aws-lambda-ric: skipped, ${HOW_TO_GET}`);
    return undefined;
  }
}

/** Folder below which `aws-cdk-lib` is installed. */
export function preparedCdk(): Promise<string> {
  return prepare("cdk", [`aws-cdk-lib@${CDK}`, "constructs@10.8.1"], "node_modules/aws-cdk-lib/index.js");
}

/** Folder below which the parts of the AWS SDK are installed that a deployed function finds in its runtime. */
export function preparedAwsSdk(): Promise<string> {
  return prepare("aws-sdk", AWS_SDK, "node_modules/@aws-sdk/client-codedeploy/package.json");
}

/** Installs packages into a folder of their own, unless they are there. @returns the folder */
async function prepare(name: string, specifier: string | readonly string[], proof: string): Promise<string> {
  const environments = packageFile("test/.envs");
  const folder = join(environments, name);
  const specifiers = [specifier].flat();
  const stamp = join(folder, specifiers.join("-").replace(/[@/]/g, "-"));
  const isThere = () => existsSync(stamp) && existsSync(join(folder, proof));
  if (isThere()) return folder;
  await mkdir(environments, { recursive: true });
  await withLock(`${folder}.lock`, DEADLINE_MS, async () => {
    if (isThere()) return;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "package.json"), '{"private":true}\n');
    const args = ["install", "--no-audit", "--no-fund", "--prefix", folder, ...specifiers];
    await promisify(execFile)("npm", args, { cwd: folder, timeout: DEADLINE_MS });
    if (!existsSync(join(folder, proof))) throw new Error(`${specifiers.join(" ")} was installed without ${proof}`);
    await writeFile(stamp, "");
  });
  return folder;
}
