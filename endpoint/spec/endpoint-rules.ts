// What an endpoint's document must be beyond its schema.
import type { Findings } from "./findings.ts";
import { ENDPOINT_NAME, ENDPOINT_NAME_RULE, MAX_NAME_LENGTH } from "./names.ts";
import { isMap, mapEntries, type Plain, textAt } from "./plain.ts";
import { shown } from "./problem.ts";
import { trafficProblems } from "./traffic.ts";

/** Documented lengths of an endpoint's name; Azure's client does not check them. */
const NAME_LENGTH = { least: 3, most: 32 };

/** @returns the document with names in lower case */
export function endpointRules(document: Plain, findings: Findings): Plain {
  checkName(textAt(document, "name"), findings);
  const isKubernetes = document.compute !== undefined;
  if (isKubernetes && document.auth_mode === "aad_token") {
    findings.problem(
      ["auth_mode"],
      "aad_token is for managed endpoints, and compute makes this a Kubernetes one",
      "Use key or aml_token.",
    );
  }
  if (isKubernetes && document.public_network_access !== undefined) {
    findings.problem(
      ["public_network_access"],
      "public_network_access is for managed endpoints, and compute makes this a Kubernetes one",
      "Remove it.",
      "key",
    );
  }
  const kind = isKubernetes ? "kubernetes" : "managed";
  for (const { path, message, cure } of trafficProblems(document.traffic, document.mirror_traffic, null, kind)) {
    findings.problem(path, message, cure);
  }
  return mapEntries(document, (key, value) => {
    if (key === "name" && typeof value === "string") return [key, value.toLowerCase()];
    if ((key === "traffic" || key === "mirror_traffic") && isMap(value)) return [key, lowerNames(key, value, findings)];
    return [key, value];
  });
}

function checkName(name: string | undefined, findings: Findings): void {
  if (name === undefined || findings.has(["name"])) return;
  if (!ENDPOINT_NAME.test(name)) {
    findings.problem(
      ["name"],
      `an endpoint's name must have ${ENDPOINT_NAME_RULE}; found ${shown(name)}`,
      suggestion(name),
    );
    return;
  }
  if (name.length > MAX_NAME_LENGTH) {
    findings.problem(
      ["name"],
      `an endpoint's name must have at most ${MAX_NAME_LENGTH} characters; this one has ${name.length}`,
    );
  } else if (name.length < NAME_LENGTH.least || name.length > NAME_LENGTH.most) {
    findings.warn(
      ["name"],
      `Azure allows names of ${NAME_LENGTH.least} to ${NAME_LENGTH.most} characters; ${name} has ${name.length}`,
    );
  }
}

/** The same name as it could be. */
function suggestion(name: string): string {
  const possible = name
    .replace(/[^A-Za-z0-9]+/g, "-")
    .replace(/^[^A-Za-z]+|-+$/g, "")
    .toLowerCase();
  return possible === "" ? "" : `For example: ${possible}.`;
}

function lowerNames(key: string, shares: Plain, findings: Findings): Plain {
  const lowered = new Map<string, unknown>();
  for (const [written, share] of Object.entries(shares)) {
    const name = written.toLowerCase();
    if (lowered.has(name)) findings.warn([key, written], `${name} is repeated; the last one is used`, "key");
    lowered.set(name, share);
  }
  return Object.fromEntries(lowered);
}
