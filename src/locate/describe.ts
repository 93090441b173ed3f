// Descriptions of failures, for those who can wait: what makes them is loaded with the first one.
import { messageOf, stackOf, typeOf } from "../core/thrown.ts";
import type { ErrorReport } from "../core/types.ts";
import type { DescribeOptions, Roots } from "./v8.ts";

export type { Roots } from "./v8.ts";

/** As `describeV8`. Never rejects: without file descriptors, or when the files of the server are gone, there
 *  is no place in it. */
export async function describeFailure(error: unknown, roots: Roots, options?: DescribeOptions): Promise<ErrorReport> {
  try {
    const { describeV8 } = await import("./v8.ts");
    return describeV8(error, roots, options);
  } catch {
    return { type: typeOf(error), message: messageOf(error), traceback: stackOf(error), location: null };
  }
}
