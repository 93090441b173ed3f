import type { JsonObject, StandardIssue, StandardResult, StandardSchema } from "./standard.ts";

/** A JSON Schema that validates like any other schema once it is prepared. */
export interface PreparedSchema extends StandardSchema {
  /** Loads the validator, which only scripts that declare JSON Schemas need. */
  prepare(): Promise<void>;
}

type Validator = InstanceType<typeof import("@cfworker/json-schema").Validator>;
type Fault = ReturnType<Validator["validate"]>["errors"][number];

/** A missing value is the schema's `default`; defaults further inside are not filled in. */
export function fromJsonSchema(schema: JsonObject): PreparedSchema {
  let validator: Validator;
  return {
    async prepare() {
      const { Validator } = await import("@cfworker/json-schema");
      validator = new Validator(schema, draftOf(schema), false);
    },
    "~standard": {
      version: 1,
      vendor: "json-schema",
      validate(given): StandardResult {
        const value = given === undefined ? schema.default : given;
        if (value === undefined) return { issues: [{ message: "expected a value" }] };
        const { valid, errors } = validator.validate(value);
        return valid ? { value } : { issues: toIssues(errors) };
      },
    },
  };
}

function draftOf({ $schema }: JsonObject): "4" | "7" | "2019-09" | "2020-12" {
  const uri = String($schema);
  if (uri.includes("draft-04")) return "4";
  if (/draft-0[67]/.test(uri)) return "7";
  return uri.includes("2019-09") ? "2019-09" : "2020-12";
}

/** Keywords that only say that something inside them failed. */
const WRAPPERS =
  /^(properties|patternProperties|items|prefixItems|additionalItems|allOf|\$ref|then|else|dependentSchemas)$/;
/** Keywords whose inner failures mislead: another branch was meant, perhaps. */
const BRANCHES = /^(anyOf|oneOf|not|contains)$/;

function toIssues(faults: readonly Fault[]): StandardIssue[] {
  const branches = faults.filter(({ keyword }) => BRANCHES.test(keyword));
  const telling = faults.filter(
    (fault) =>
      fault.keyword !== "false" &&
      !branches.some((branch) => isInside(fault, branch)) &&
      !(WRAPPERS.test(fault.keyword) && faults.some((other) => isInside(other, fault))),
  );
  return (telling.length > 0 ? telling : faults).map((fault) => ({
    path: keysOf(fault.instanceLocation),
    message: wordsOf(fault),
  }));
}

function isInside(inner: Fault, outer: Fault): boolean {
  return inner.keywordLocation.startsWith(`${outer.keywordLocation}/`);
}

/** The keys of a JSON pointer in a URI fragment, `#/a/0`. */
function keysOf(pointer: string): string[] {
  const parts = pointer.split("/").slice(1);
  return parts.map((part) => decodeURI(part).replaceAll("~1", "/").replaceAll("~0", "~"));
}

function wordsOf({ keyword, error }: Fault): string {
  const types = keyword === "type" ? /^Instance type "(.*)" is invalid\. Expected "(.*)"\.$/.exec(error) : null;
  if (types !== null) return `expected ${types[2]!.replaceAll('", "', " or ")}, received ${types[1]}`;
  return error
    .replace(/^Instance /, "")
    .replace("  ", " ")
    .replace(/\.$/, "");
}
