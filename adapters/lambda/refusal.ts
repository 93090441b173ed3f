// What is said to events that cannot be answered as requests.
import { doorOf, type HttpEvent, readEvent } from "./event.ts";

/** For what is neither a request nor a warm-up. */
export const NOT_HTTP: string =
  "This function answers HTTP requests: from a Function URL, API Gateway or an Application Load Balancer. " +
  "The event has the shape of none of these.";

/** The only error that leaves a handler: a queue or a stream takes everything else for success. */
export class UnansweredEvent extends Error {}

/** What is told of a request that is refused. */
export type Refused = Pick<HttpEvent, "method" | "path" | "query" | "headers">;

export const NO_REQUEST: Refused = { method: "-", path: "", query: "", headers: {} };

/** What can be told of an event whose body cannot be read. */
export function targetOf(event: unknown): Refused {
  const door = doorOf(event);
  return door === undefined ? NO_REQUEST : readEvent({ ...(event as object), body: null }, door);
}
