// References to secrets in environment variables, and where their values come from: a file, or variables of the process.
// Messages name variables and references, never values.
import { inspect } from "node:util";
import type { Environment } from "../../src/host.ts";
import type { SecretsFile } from "./secrets-file.ts";

export interface SecretSources {
  /** What `--secrets` names; null: nothing. */
  readonly file: SecretsFile | null;
  /** Variables of the process. */
  readonly env: Environment;
}

/** What a reference points at. */
export type Reference =
  | { readonly kind: "connection"; readonly connection: string; readonly part: ConnectionPart }
  | { readonly kind: "keyvault"; readonly vault: string; readonly name: string };

type ConnectionPart =
  | { readonly kind: "all" }
  | { readonly kind: "target" }
  | { readonly kind: "credentials" | "metadata"; readonly key: string };

/** Anything that looks like one; of several in a text each counts. */
const BRACES = /\$\{\{([^{}]*)\}\}/g;
const FORMS =
  `references are \${{azureml://connections/<name>}}, the same with /credentials/<key>, /metadata/<key> or /target ` +
  `behind it, and \${{keyvault:https://<vault>.vault.azure.net/secrets/<name>}}`;

/** Whether a text in braces is meant for a secret: others are left as they are. */
const IS_MEANT = /^\s*(?:azureml:|keyvault:)/i;

const UNCLOSED = /\$\{\{\s*(?:azureml:|keyvault:)/i;

/** @param text without braces   @returns undefined: it is none */
export function readReference(text: string): Reference | undefined {
  const [, connection, rest = ""] = /^azureml:\/\/connections\/([^/\s]+)(\/\S+)?$/.exec(text) ?? [];
  if (connection !== undefined) {
    const [, kind, key] = /^\/(credentials|metadata|target)(?:\/(.+))?$/.exec(rest) ?? [];
    if (rest === "") return { kind: "connection", connection, part: { kind: "all" } };
    if (kind === "target" && key === undefined) return { kind: "connection", connection, part: { kind } };
    if ((kind === "credentials" || kind === "metadata") && key !== undefined) {
      return { kind: "connection", connection, part: { kind, key } };
    }
    return undefined;
  }
  const [, vault, name] =
    /^keyvault:https:\/\/([A-Za-z0-9-]+)\.[^/\s]+\/secrets\/([^/\s]+)(?:\/[^/\s]*)?$/.exec(text) ?? [];
  return vault === undefined || name === undefined ? undefined : { kind: "keyvault", vault, name };
}

/** Begins the names of variables that hold secrets. */
export const SECRET_PREFIX = "SCOREFN_SECRET_";

/** The environment without the variables that hold secrets: a deployment sees those alone that its file asks for. */
export function withoutSecrets(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith(SECRET_PREFIX)));
}

/** Name of the variable that may hold a secret: letters in upper case, `_` for all that is neither letter nor digit. */
export function secretVariable(reference: Reference): string {
  const words =
    reference.kind === "keyvault"
      ? [reference.vault, reference.name]
      : [reference.connection, ...wordsOf(reference.part)];
  return SECRET_PREFIX + words.map((word) => word.toUpperCase().replace(/[^A-Z0-9]/g, "_")).join("_");
}

function wordsOf(part: ConnectionPart): string[] {
  if (part.kind === "all") return [];
  if (part.kind === "target") return ["target"];
  return part.kind === "credentials" ? [part.key] : ["metadata", part.key];
}

export interface ResolvedVariables {
  /** With the values; it hides those of secrets where it is shown. */
  readonly variables: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Puts values in the place of references. */
export function resolveSecrets(variables: Readonly<Record<string, string>>, sources: SecretSources): ResolvedVariables {
  const problems: string[] = [];
  const warnings: string[] = [];
  const resolved: Record<string, string> = {};
  const secret = new Set<string>();
  /** Which reference a variable of the process has been read for. */
  const readFor = new Map<string, string>();

  function lookUp(name: string, written: string): string | undefined {
    const text = written.trim();
    const reference = readReference(text);
    if (reference === undefined) {
      problems.push(
        `environment_variables: ${name} holds \${{${text}}}, which is not a reference to a secret; ${FORMS}`,
      );
      return undefined;
    }
    const found = sources.file?.find(text, reference);
    if (found !== undefined) return found;
    const variable = secretVariable(reference);
    const other = readFor.get(variable);
    const given = sources.env[variable];
    if (given !== undefined && given !== "" && (other === undefined || other === text)) {
      readFor.set(variable, text);
      return given;
    }
    const cure = `put it into the file of --secrets, or set ${variable} for this command`;
    const clash = given !== undefined && other !== undefined && other !== text;
    problems.push(
      clash
        ? `environment_variables: ${name} refers to \${{${text}}}, and ${variable} stands for \${{${other}}} already; ` +
            "put both into the file of --secrets"
        : `environment_variables: there is no value for \${{${text}}}, which ${name} refers to; ${cure}`,
    );
    return undefined;
  }

  for (const [name, text] of Object.entries(variables)) {
    resolved[name] = text.replace(BRACES, (whole, inner: string) => {
      if (!IS_MEANT.test(inner)) {
        const what = "which is not a reference to a secret and stays as it is";
        warnings.push(`environment_variables: ${name} holds ${whole}, ${what}`);
        return whole;
      }
      secret.add(name);
      if (text.trim() !== whole) {
        warnings.push(`environment_variables: ${name} has text around ${whole}; the cloud may take whole values only`);
      }
      return lookUp(name, inner) ?? whole;
    });
    if (UNCLOSED.test(text.replace(BRACES, ""))) {
      problems.push(`environment_variables: ${name} holds a reference to a secret that does not end with }}; ${FORMS}`);
    }
  }
  return { variables: hideValues(resolved, secret), problems, warnings };
}

const HIDDEN = "***";

/** Hides the values of these names from console.log, inspect() and JSON; whoever reads or copies them gets them. */
function hideValues(variables: Record<string, string>, names: ReadonlySet<string>): Record<string, string> {
  if (names.size === 0) return variables;
  const shown = (): Record<string, string> =>
    Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, names.has(name) ? HIDDEN : value]));
  Object.defineProperty(variables, inspect.custom, { value: shown });
  Object.defineProperty(variables, "toJSON", { value: shown });
  return variables;
}
