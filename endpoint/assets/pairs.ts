// What flags say in the form `name=value`, each of them given any number of times.
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { ConfigError } from "../../src/host.ts";
import { shownLine } from "./pip-list.ts";
import { problem } from "./problem.ts";

/** How the two halves of a flag's texts are read. */
export interface PairForm {
  /** With the dashes. */
  readonly flag: string;
  /** As help has it: `NAME[:VERSION]=PATH`. */
  readonly form: string;
  /** @throws ConfigError; its message goes on from the flag and the text */
  readonly key: (text: string) => string;
  readonly value: (text: string) => string;
}

/** @param form how the halves are read   @throws ConfigError that has all that is wrong, a line each */
export function parsePairs(form: PairForm, texts: readonly string[]): Map<string, string> {
  const pairs = new Map<string, string>();
  const problems: string[] = [];
  for (const text of texts) {
    try {
      addPair(pairs, form, text);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(`${form.flag} ${JSON.stringify(shownLine(text))} ${error.message}`);
    }
  }
  if (problems.length > 0) throw problem(problems.join("\n"));
  return pairs;
}

function addPair(pairs: Map<string, string>, { form, key, value }: PairForm, text: string): void {
  const at = text.indexOf("=");
  if (at < 0) throw problem(`has no "="; write ${form}`);
  const [left, right] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  if (left === "") throw problem(`has nothing before the "="; write ${form}`);
  if (right === "") throw problem(`has nothing after the "="; write ${form}`);
  const [name, what] = [key(left), value(right)];
  const known = pairs.get(name);
  if (known !== undefined && known !== what) throw problem(`gives ${name} another value than before: ${known}`);
  pairs.set(name, what);
}

/** `--model`: where a registered model lies. */
export const MODEL_PAIRS: PairForm = {
  flag: "--model",
  form: "NAME[:VERSION]=PATH",
  key: assetName,
  value: absolutePath,
};

/** `--environment`: the Python, or the folder of an environment, that stands for a registered environment. */
export const ENVIRONMENT_PAIRS: PairForm = {
  flag: "--environment",
  form: "NAME[:VERSION]=PYTHON",
  key: assetName,
  value: programPath,
};

/** `--python`: the Python of a deployment. */
export const PYTHON_PAIRS: PairForm = {
  flag: "--python",
  form: "DEPLOYMENT=PYTHON",
  key: deploymentName,
  value: programPath,
};

/** `--upstream`: the server that takes a deployment's requests. */
export const UPSTREAM_PAIRS: PairForm = {
  flag: "--upstream",
  form: "DEPLOYMENT=http://HOST:PORT",
  key: deploymentName,
  value: upstreamUrl,
};

/** `name`, `name:1`, or a reference as it stands in a file, which may begin with `azureml:`. */
function assetName(text: string): string {
  const plain = text.replace(/^azureml:(?!\/)/, "");
  if (plain.startsWith("azureml:/")) return plain;
  const [, name, version] = /^([^:@/\\\s]+)(?:[:@]([^:@/\\\s]+))?$/.exec(plain) ?? [];
  if (name === undefined) throw problem(`has ${JSON.stringify(text)} for a name; write NAME or NAME:VERSION`);
  return version === undefined || version === "latest" ? name : `${name}:${version}`;
}

function deploymentName(text: string): string {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(text)) throw problem(`has ${JSON.stringify(text)} for the name of a deployment`);
  return text.toLowerCase();
}

function absolutePath(text: string): string {
  // A shell leaves a `~` that stands behind a `=`.
  return resolve(text === "~" || text.startsWith("~/") ? join(homedir(), text.slice(1)) : text);
}

/** A name without a folder is looked for on PATH. */
function programPath(text: string): string {
  return /[\\/]/.test(text) || text === "~" || text === "." || text === ".." ? absolutePath(text) : text;
}

/** @returns `http://host:port` */
function upstreamUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const hasMore = url !== undefined && (url.pathname !== "/" || url.search !== "" || url.hash !== "");
  if (url?.protocol === "https:") throw problem("asks for TLS, which is not supported; write http://HOST:PORT");
  if (url === undefined || url.protocol !== "http:" || url.hostname === "") {
    throw problem("is not a server address; write http://HOST:PORT");
  }
  if (url.username !== "" || url.password !== "") throw problem("holds a user's name; write http://HOST:PORT");
  if (hasMore) throw problem("has a path; requests go on with their own, so write http://HOST:PORT");
  return `http://${url.hostname}:${url.port || HTTP_PORT}`;
}

/** What an address without a port means. */
const HTTP_PORT = 80;
