import { type Description, markerOf, type Parsed } from "../../../src/authoring/marker.ts";
import { type Declarations, schema } from "../../../src/index.ts";

/** What the host finds on a run() with these declarations. */
export function declare(declarations: Declarations) {
  const marker = markerOf(schema(declarations, () => undefined as never))!;
  return {
    describe: (): Promise<Description> => marker.describe(),
    async parse(members: Record<string, unknown>): Promise<Parsed> {
      await marker.describe();
      return marker.parse(members);
    },
  };
}
