// The swagger documents of whatever is checked: whether they are valid, and what they say of requests and answers.
import { readFileSync } from "node:fs";
import { type Schema, Validator } from "@cfworker/json-schema";
import { packageFile } from "../src/host.ts";
import { type Dialect, faultsOf, schemaProblem } from "./schema.ts";
import type { Finding, Running } from "./types.ts";

/** What answers are declared to be. */
export interface DeclaredOutput {
  readonly schema: object;
  readonly dialect: Dialect;
  /** What the schema refers to. */
  readonly root: object;
}

export interface Declared {
  /** Versions that there are documents of. */
  readonly versions: readonly Dialect[];
  /** Undefined: there is none. */
  readonly example?: { readonly value: unknown } | undefined;
  readonly output?: DeclaredOutput | undefined;
  readonly findings: readonly Finding[];
}

const VERSIONS: readonly Dialect[] = ["2", "3", "3.1"];

type Json = Readonly<Record<string, unknown>>;

/** Reads them from where clients find them. The newest document counts for what is declared: it says the most. */
export async function readDeclared(running: Running): Promise<Declared> {
  const findings: Finding[] = [];
  const documents: { version: Dialect; document: Json }[] = [];
  for (const version of VERSIONS) {
    const query = `version=${version}`;
    const answer = await running.send({
      method: "GET",
      path: "/swagger.json",
      query,
      headers: {},
      body: Buffer.alloc(0),
    });
    if (answer.status === 404 || answer.status === 405) continue;
    const wrong = (message: string, key: string): void => {
      findings.push({
        rule: "swagger-document",
        level: "error",
        message: `swagger ${version}: ${message}`,
        key: `${version} ${key}`,
      });
    };
    const document = answer.status === 200 ? parse(answer.body) : undefined;
    if (answer.status !== 200) wrong(`status ${answer.status}`, "status");
    else if (document === undefined) wrong("the document is not a JSON object", "json");
    else {
      for (const fault of documentFaults(document, version)) wrong(fault, fault.replace(/\d+/g, ""));
      documents.push({ version, document });
    }
  }
  const last = documents.at(-1);
  const says = last === undefined || findings.length > 0 ? {} : declaredBy(last.document, last.version);
  return { versions: documents.map(({ version }) => version), ...says, findings };
}

function parse(body: Buffer): Json | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

/** The specification's own schemas, which the build copies. */
const SPECIFICATIONS: Readonly<Record<Dialect, string>> = { "2": "2.0", "3": "3.0", "3.1": "3.1" };

/** What the specification finds wrong with a document, one line each. */
export function documentFaults(document: object, version: Dialect): string[] {
  const named = (document as Json)[version === "2" ? "swagger" : "openapi"];
  if (!String(named).startsWith(SPECIFICATIONS[version])) {
    return [`the document says that it is of version ${JSON.stringify(named)}`];
  }
  const specification = readSpecification(SPECIFICATIONS[version]);
  const validator = new Validator(specification, version === "3.1" ? "2020-12" : "4", false);
  if (version === "2") validator.addSchema(readSpecification("draft-04"), "http://json-schema.org/draft-04/schema");
  try {
    const faults = faultsOf(validator.validate(document).errors);
    return faults.length > 0 ? faults : brokenReferences(document, document, "$").slice(0, 1);
  } catch (error) {
    return [`the document cannot be checked: ${(error as Error).message.split("\n")[0]}`];
  }
}

function readSpecification(name: string): Schema {
  return JSON.parse(readFileSync(packageFile(`dist/check/openapi/${name}.json`), "utf8")) as Schema;
}

function brokenReferences(value: unknown, root: object, path: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  const { $ref } = value as Json;
  const broken = typeof $ref === "string" && $ref.startsWith("#") && follow(root, $ref) === undefined;
  return [
    ...(broken ? [`${path} refers to ${$ref}, which is not there`] : []),
    ...Object.entries(value).flatMap(([key, child]) =>
      key === "example" || key === "examples" ? [] : brokenReferences(child, root, `${path}.${key}`),
    ),
  ];
}

function follow(root: object, reference: string): unknown {
  return reference
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>(
      (at, step) => (typeof at === "object" && at !== null && Object.hasOwn(at, step) ? (at as Json)[step] : undefined),
      root,
    );
}

function declaredBy(document: Json, dialect: Dialect): Pick<Declared, "example" | "output"> {
  const paths = Object.entries((document.paths ?? {}) as Json);
  const path = paths.find(([name]) => name === "/score" || name.endsWith("/score"))?.[1] as Json | undefined;
  const operation = path?.post as Json | undefined;
  if (operation === undefined) return {};
  const resolved = (value: unknown): Json | undefined => {
    const { $ref } = (value ?? {}) as Json;
    return (typeof $ref === "string" ? follow(document, $ref) : value) as Json | undefined;
  };
  const media = (holder: Json | undefined): Json | undefined =>
    (holder?.content as Json)?.["application/json"] as Json | undefined;
  const parameters = (operation.parameters ?? []) as Json[];
  const [taken, given] =
    dialect === "2"
      ? [
          parameters.map(resolved).find((parameter) => parameter?.in === "body"),
          resolved((operation.responses as Json)?.["200"]),
        ]
      : [media(resolved(operation.requestBody)), media(resolved((operation.responses as Json)?.["200"]))];
  const input = resolved(taken?.schema);
  const output = resolved(given?.schema);
  const value = taken?.example ?? exampleOf(input);
  return {
    ...(value !== undefined && { example: { value } }),
    ...(output !== undefined &&
      !saysNothing(output) &&
      schemaProblem(output) === undefined && {
        output: { schema: output, dialect, root: rootOf(document, dialect) },
      }),
  };
}

/** What local references lead to, for a schema that is checked by itself. */
function rootOf({ definitions, components }: Json, dialect: Dialect): object {
  return dialect === "2" ? { definitions } : { components };
}

function exampleOf(schema: Json | undefined): unknown {
  if (schema === undefined || saysNothing(schema)) return undefined;
  if ("example" in schema) return schema.example;
  return Array.isArray(schema.examples) ? schema.examples[0] : schema.default;
}

/** What stands for a schema where the script declares none. */
function saysNothing(schema: Json): boolean {
  const { type, example, ...rest } = schema;
  return type === "object" && Object.keys(rest).length === 0 && JSON.stringify(example ?? {}) === "{}";
}
