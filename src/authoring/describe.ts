import type { SwaggerVersion } from "../core/swagger-versions.ts";
import { toDialect } from "../swagger/dialect.ts";
import { exampleOf } from "../swagger/example.ts";
import { inlineReferences } from "../swagger/references.ts";
import type { Declaration } from "./infer.ts";
import type { Description, Dialect } from "./marker.ts";
import { isSample } from "./sample.ts";
import { isStandardSchema, type JsonObject, jsonSchemaOf } from "./standard.ts";

/** What is declared, as the swagger documents have it.
 *  @param members in the order of their declaration; undefined: no input is declared */
export function describe(
  members: readonly (readonly [name: string, declaration: Declaration])[] | undefined,
  output: Declaration | undefined,
): Description {
  const warnings: string[] = [];
  const toJsonSchema = (declaration: Declaration, place: string): JsonObject => {
    const found = findJsonSchema(declaration);
    if (found === undefined) warnings.push(noJsonSchema(declaration, place));
    return found ?? {};
  };
  const inputs = members?.map(([name, declaration]) => [name, toJsonSchema(declaration, name)] as const);
  const result = output === undefined ? undefined : toJsonSchema(output, "the output");
  const all = [...(members ?? []).map(([, declaration]) => declaration), output];
  const versions: SwaggerVersion[] = all.every(isInSwagger2) ? ["2", "3", "3.1"] : ["3", "3.1"];
  const dialects: Partial<Record<SwaggerVersion, Dialect>> = {};
  for (const version of versions) {
    dialects[version] = { input: serviceInput(inputs, version), output: serviceOutput(result, version) };
  }
  return { dialects, warnings };
}

/** Contract IS-15, IS-16. */
function serviceInput(
  inputs: readonly (readonly [name: string, schema: JsonObject])[] | undefined,
  version: SwaggerVersion,
): unknown {
  if (inputs === undefined) return { type: "object" };
  const properties = inputs.map(([name, schema]) => {
    const { example, ...rest } = toDialect(schema, version);
    return [name, rest];
  });
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    example: Object.fromEntries(inputs.map(([name, schema]) => [name, exampleOf(schema)])),
  };
}

/** Contract IS-16, IS-19. */
function serviceOutput(schema: JsonObject | undefined, version: SwaggerVersion): unknown {
  if (schema === undefined) return { type: "object" };
  const { example, ...rest } = toDialect(schema, version);
  return Object.keys(rest).length === 0 ? { type: "object" } : { ...rest, example: exampleOf(schema) };
}

function findJsonSchema(declaration: Declaration): JsonObject | undefined {
  if (!isStandardSchema(declaration)) return inlineReferences(declaration) as JsonObject;
  if (isSample(declaration)) return declaration.jsonSchema;
  const found = jsonSchemaOf(declaration);
  return found === undefined ? undefined : (inlineReferences(found) as JsonObject);
}

function isInSwagger2(declaration: Declaration | undefined): boolean {
  return (
    declaration === undefined || !isStandardSchema(declaration) || !isSample(declaration) || declaration.inSwagger2
  );
}

function noJsonSchema(declaration: Declaration, place: string): string {
  const vendor = isStandardSchema(declaration) ? declaration["~standard"].vendor : "";
  const cure =
    vendor === "valibot"
      ? "wrap it in toStandardJsonSchema() of @valibot/to-json-schema"
      : "use a version of it that implements Standard JSON Schema";
  return `The swagger documents say nothing of ${place}: its schema (${vendor}) gives no JSON Schema; ${cure}.`;
}
