import { isRawHttp, type RunContext, rawHttp } from "./authoring.ts";
import { describe } from "./describe.ts";
import type { Declaration, Declarations, InputOf, ResultOf } from "./infer.ts";
import { fromJsonSchema } from "./json-schema.ts";
import { type Issue, mark, type Parsed, type SchemaMarker } from "./marker.ts";
import { isStandardSchema, type JsonObject, type StandardResult, type StandardSchema, toIssue } from "./standard.ts";

/** A run() with declared input and output; called directly, it is the author's own function. */
export type SchemaRun<D extends Declarations, Result> = (input: InputOf<D>, context: RunContext) => Result;

/** Declares what run() takes and gives: requests that do not fit get 400, and the swagger documents describe it.
 *
 *  ```ts
 *  export const run = schema(
 *    { input: { data: z.array(z.array(z.number())), k: z.number().default(3) }, output: z.array(z.number()) },
 *    ({ data, k }, context) => data.map((row) => row[k] ?? 0),
 *  );
 *  ```
 *  @throws TypeError when a declaration is neither a schema nor a sample */
export function schema<const D extends Declarations, Result extends ResultOf<D>>(
  declarations: D,
  run: (input: InputOf<D>, context: RunContext) => Result,
): SchemaRun<D, Result> {
  const declared: SchemaRun<D, Result> = (input, context) => run(input, context);
  const marked = mark(declared, createMarker(declarations, run));
  // The host refuses both at once, by name.
  return isRawHttp(run) ? (rawHttp(marked as never) as never) : marked;
}

function createMarker({ input, output }: Declarations, run: SchemaMarker["run"]): SchemaMarker {
  const members = Object.entries(input ?? {}).map(([name, declaration]) => ({
    name,
    schema: toStandard(declaration, `input.${name}`),
  }));
  const result = output === undefined ? undefined : toStandard(output, "output");
  return {
    run,
    names: input === undefined ? undefined : members.map(({ name }) => name),
    async describe() {
      for (const schema of [...members.map((member) => member.schema), result]) {
        if (schema !== undefined && "prepare" in schema) await (schema as { prepare(): Promise<void> }).prepare();
      }
      return describe(input === undefined ? undefined : Object.entries(input), output);
    },
    parse: input === undefined ? (value) => ({ value }) : (given) => parseMembers(members, given),
    check: result === undefined ? undefined : (value) => checkResult(result, value),
  };
}

function toStandard(declaration: Declaration, place: string): StandardSchema {
  if (isStandardSchema(declaration)) return declaration;
  if (typeof declaration === "object" && declaration !== null) return fromJsonSchema(declaration as JsonObject);
  throw new TypeError(
    `schema(): ${place} is ${String(declaration)}; give a schema (zod, valibot, arktype, JSON Schema) or sample(value)`,
  );
}

interface Member {
  readonly name: string;
  readonly schema: StandardSchema;
}

/** A member that is missing is undefined to its schema, which may have a default for that. */
function parseMembers(members: readonly Member[], given: JsonObject): Parsed | Promise<Parsed> {
  const results: (StandardResult | Promise<StandardResult>)[] = [];
  let isAsync = false;
  for (const { name, schema } of members) {
    const result = schema["~standard"].validate(Object.hasOwn(given, name) ? given[name] : undefined);
    if (result instanceof Promise) isAsync = true;
    results.push(result);
  }
  if (isAsync) return Promise.all(results).then((all) => collect(members, all, given));
  return collect(members, results as StandardResult[], given);
}

function collect(members: readonly Member[], results: readonly StandardResult[], given: JsonObject): Parsed {
  const value: Record<string, unknown> = {};
  const issues: Issue[] = [];
  for (let index = 0; index < members.length; index++) {
    const { name } = members[index]!;
    const result = results[index]!;
    if (result.issues === undefined) value[name] = result.value;
    else if (!Object.hasOwn(given, name)) return { missing: name };
    else issues.push(...result.issues.map((issue) => toIssue([name], issue)));
  }
  return issues.length > 0 ? { issues } : { value };
}

function checkResult(output: StandardSchema, value: unknown): readonly Issue[] | Promise<readonly Issue[]> {
  const issuesOf = ({ issues = [] }: StandardResult): Issue[] => issues.map((issue) => toIssue([], issue));
  const result = output["~standard"].validate(value);
  return result instanceof Promise ? result.then(issuesOf) : issuesOf(result);
}
