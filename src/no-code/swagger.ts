// What the swagger documents say of a model.
import type { ScriptSchemas } from "../core/types.ts";
import type { Model } from "./types.ts";

/** Of `/score`, as Azure's script for models describes them (models.md, table H). */
export function schemasOf(model: Model): ScriptSchemas {
  throw new Error(`not yet: ${model.facts.name}`);
}
