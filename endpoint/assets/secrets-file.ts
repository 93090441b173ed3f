// The file of `--secrets`: YAML or JSON, either a map from references to values, or connections as Azure lists them.
import { readFileSync, statSync } from "node:fs";
import { parseDocument } from "yaml";
import { problem } from "./problem.ts";
import type { Reference } from "./secrets.ts";

export interface SecretsFile {
  /** @param text of the reference, without braces   @returns undefined: it does not hold it */
  find(text: string, reference: Reference): string | undefined;
  /** What to know of it. */
  readonly warnings: readonly string[];
}

type Tree = Readonly<Record<string, unknown>>;

/** Rights of others than its owner. */
const OTHERS = 0o077;

/** @throws ConfigError, which shows nothing of what the file holds */
export function readSecretsFile(file: string): SecretsFile {
  let text: string;
  let isOpen: boolean;
  try {
    text = readFileSync(file, "utf8");
    isOpen = process.platform !== "win32" && (statSync(file).mode & OTHERS) !== 0;
  } catch (cause) {
    throw problem(`--secrets: ${file} cannot be read: ${(cause as Error).message}`);
  }
  const warnings = isOpen ? [`--secrets: other users can read ${file}; restrict it with: chmod 600 ${file}`] : [];
  return { ...parseSecrets(text, file), warnings };
}

/** @throws ConfigError, which shows nothing of what the text holds */
export function parseSecrets(text: string, file: string): SecretsFile {
  // Values stay as they are written: a password may look like a number, or like true.
  const document = parseDocument(text, { schema: "failsafe", prettyErrors: true, logLevel: "silent" });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const [place] = fault.linePos ?? [];
    const where = place === undefined ? file : `${file}:${place.line}:${place.col}`;
    throw problem(`--secrets: ${where} is neither YAML nor JSON (${fault.code})`);
  }
  let content: unknown;
  try {
    content = document.toJS();
  } catch {
    throw problem(`--secrets: ${file} is neither YAML nor JSON that can be read`);
  }
  if (!isTree(content)) {
    throw problem(`--secrets: ${file} is not a map; write references, or connections, with their values`);
  }
  const tree = content;
  const flat = new Map(Object.entries(tree).map(([key, value]) => [withoutBraces(key), value]));
  const connections = isTree(tree.connections) ? tree.connections : tree;
  return {
    warnings: [],
    find: (wanted, reference) =>
      asText(flat.get(wanted)) ??
      (reference.kind === "keyvault"
        ? asText(child(child(tree.keyvault, reference.vault), reference.name))
        : ofConnection(child(connections, reference.connection), reference.part)),
  };
}

function ofConnection(found: unknown, part: Extract<Reference, { kind: "connection" }>["part"]): string | undefined {
  if (!isTree(found)) return undefined;
  const properties = isTree(found.properties) ? found.properties : found;
  if (part.kind === "all") return JSON.stringify(found === properties ? asListed(found) : found);
  if (part.kind === "target") return asText(properties.target);
  if (part.kind === "metadata") return asText(child(properties.metadata, part.key));
  return (
    asText(child(properties.credentials, part.key)) ?? asText(child(child(properties.credentials, "keys"), part.key))
  );
}

/** A connection as Azure gives it as a whole. */
function asListed({ authType, credentials, target = "", metadata = {}, ...others }: Tree): Tree {
  const isTreeOfKeys = isTree(credentials) && !isTree(credentials.keys);
  const isOneKey = isTreeOfKeys && Object.keys(credentials).join() === "key";
  return {
    properties: {
      authType: authType ?? (isOneKey ? "ApiKey" : "CustomKeys"),
      ...others,
      credentials: isTreeOfKeys && !isOneKey ? { keys: credentials } : (credentials ?? {}),
      target,
      metadata,
    },
  };
}

function withoutBraces(key: string): string {
  return (/^\s*\$\{\{(.*)\}\}\s*$/.exec(key)?.[1] ?? key).trim();
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Own keys only. */
function child(value: unknown, key: string): unknown {
  return isTree(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** What is empty is no value. */
function asText(value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : undefined;
}
