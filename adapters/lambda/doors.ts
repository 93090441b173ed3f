// What comes through Function URLs and HTTP APIs is dealt with by what every start has loaded; what the other doors need is
// loaded with the first event that comes through one of them.
import type { HeaderList } from "../../src/host.ts";
import { type AnyEvent, doorOf, type EventRequest, readV2 } from "./event.ts";
import {
  type HttpDoor,
  headersOfV2,
  type LambdaResult,
  type ResultHead,
  type StreamHead,
  type WholeAnswer,
  withBody,
} from "./result.ts";

/** Reads an event. @param id of the invocation, which becomes a direct one's request id
 *  @returns undefined: it only keeps the environment warm   @throws EventError when it is another service's */
export async function readEvent(event: unknown, id?: string): Promise<EventRequest | undefined> {
  const door = doorOf(event);
  if (door === "v2") return readV2(event as AnyEvent);
  const { readOther } = await import("./other-events.ts");
  return readOther(event, door, id);
}

/** @param answer its head has passed `checkedHead`
 *  @throws ScoreError `ERR_ANSWER` when it is larger than the door takes */
export async function toResult(door: HttpDoor, answer: WholeAnswer): Promise<LambdaResult> {
  return withBody(await toHead(door, answer.status, answer.headers), door, answer);
}

/** @param status and headers have passed `checkedHead` */
export async function toStreamHead(door: HttpDoor, status: number, headers: HeaderList): Promise<StreamHead> {
  if (door !== "v1") return { statusCode: status, ...headersOfV2(headers) };
  const { headers: single = {}, multiValueHeaders = {} } = await toHead(door, status, headers);
  return { statusCode: status, headers: single, multiValueHeaders };
}

async function toHead(door: HttpDoor, statusCode: number, headers: HeaderList): Promise<ResultHead> {
  if (door === "v2") return { statusCode, ...headersOfV2(headers) };
  const { otherHead } = await import("./other-results.ts");
  return otherHead(door, statusCode, headers);
}
