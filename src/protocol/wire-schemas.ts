import type { SwaggerVersion } from "../core/swagger-versions.ts";
import type { ScriptFacts, ScriptSchemas } from "../core/types.ts";
import { readPythonJson, renderPythonJson } from "../json/python-json.ts";
import type { Loaded } from "./messages.ts";

type WireSchemas = NonNullable<Loaded["schemas"]>;
type Pair<T> = { readonly input?: T; readonly output?: T };

/** The schemas as LOADED carries them: JSON as text. */
export function toWireSchemas({ versions, dialects, ...main }: ScriptSchemas): WireSchemas {
  const own = dialects === undefined ? {} : { dialects: mapVersions(dialects, renderPair) };
  return { ...renderPair(main), versions, ...own };
}

/** What the front knows of a script whose worker has said LOADED. */
export function factsOf({ takes, concurrent, input, schemas, models }: Loaded): ScriptFacts {
  return {
    takes,
    concurrent,
    input,
    ...(schemas === undefined ? {} : { schemas: fromWireSchemas(schemas) }),
    ...(models === undefined ? {} : { models }),
  };
}

function fromWireSchemas({ versions, dialects, ...main }: WireSchemas): ScriptSchemas {
  const own = dialects === undefined ? {} : { dialects: mapVersions(dialects, readPair) };
  return { ...readPair(main), versions, ...own };
}

function renderPair({ input, output }: Pair<unknown>): Pair<string> {
  return {
    ...(input === undefined ? {} : { input: renderPythonJson(input) }),
    ...(output === undefined ? {} : { output: renderPythonJson(output) }),
  };
}

function readPair({ input, output }: Pair<string>): Pair<unknown> {
  const read = (text: string | undefined): unknown => (text === undefined ? undefined : readPythonJson(text));
  return { input: read(input), output: read(output) };
}

type Versioned<T> = Readonly<Partial<Record<SwaggerVersion, T>>>;

function mapVersions<From, To>(map: Versioned<From>, change: (value: From) => To): Versioned<To> {
  return Object.fromEntries(Object.entries(map).map(([version, value]) => [version, change(value)]));
}
