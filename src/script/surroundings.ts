// What surrounds a run(): the ids that its log records have, and the request's place in its trace as the active span.
import type { LogFields } from "../core/log.ts";
import type { TracePlace } from "../core/trace.ts";
import { traceOf } from "../core/traceparent.ts";
import type { BodyStream, RunOutcome } from "../core/types.ts";
import { withFields } from "../log/ambient.ts";
import { hasTracing, tracingApi } from "./active-span.ts";
import type { ScriptInput } from "./input.ts";

/** Calls script code in what a request surrounds it with. */
export type Surround = <T>(action: () => T) => T;

/** What run() is to be called in.
 *  @param fields of what the script logs meanwhile, or as the members of a JSON object; undefined: none   @returns undefined: nothing */
export function surroundings(
  input: Pick<ScriptInput, "trace" | "headers">,
  fields: LogFields | string | undefined,
): Surround | undefined {
  const trace = hasTracing() ? traceOf(input) : undefined;
  const withTrace: Surround | undefined = trace && ((action) => withActiveSpan(trace, action));
  if (fields === undefined) return withTrace;
  if (withTrace === undefined) return (action) => withFields(fields, action);
  return (action) => withFields(fields, () => withTrace(action));
}

const GETTER = {
  get: (carrier: Readonly<Record<string, string>>, name: string) => carrier[name],
  keys: (carrier: object) => Object.keys(carrier),
};

/** Calls script code as part of the trace: where OpenTelemetry's API is set up in the script's process, what the script does
 *  becomes part of the request's. */
function withActiveSpan<T>({ traceparent, tracestate }: TracePlace, action: () => T): T {
  const { context, propagation } = tracingApi() ?? {};
  if (context === undefined || propagation === undefined) return action();
  const carrier = { traceparent, ...(tracestate !== undefined && { tracestate }) };
  return context.with(propagation.extract(context.active(), carrier, GETTER), action);
}

/** Calls run() in what its request surrounds it with. */
export function runSurrounded(
  input: Pick<ScriptInput, "trace" | "headers">,
  fields: LogFields | undefined,
  run: () => RunOutcome | Promise<RunOutcome>,
): RunOutcome | Promise<RunOutcome> {
  const surround = surroundings(input, fields);
  return surround === undefined ? run() : runWithin(surround, run);
}

/** Runs in the surroundings, and so does what makes the pieces of a streamed body when they are asked for. */
export function runWithin(
  surround: Surround,
  run: () => RunOutcome | Promise<RunOutcome>,
): RunOutcome | Promise<RunOutcome> {
  const outcome = surround(run);
  const withBody = (value: RunOutcome): RunOutcome => {
    const { body } = value;
    if (value.kind === "json" || typeof body !== "object" || !(Symbol.asyncIterator in body)) return value;
    return { ...value, body: streamWithin(surround, body) };
  };
  return outcome instanceof Promise ? outcome.then(withBody) : withBody(outcome);
}

function streamWithin(surround: Surround, body: BodyStream): BodyStream {
  return {
    [Symbol.asyncIterator]() {
      const items = body[Symbol.asyncIterator]();
      const end = items.return?.bind(items);
      return {
        next: () => surround(() => items.next()),
        ...(end !== undefined && { return: (value?: unknown) => surround(() => end(value)) }),
      };
    },
  };
}
