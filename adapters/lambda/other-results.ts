// Answers for REST APIs and load balancers. Loaded with the first of them.
import type { HeaderList } from "../../src/host.ts";
import { add, type HttpDoor, isSetCookie, members, type ResultHead, sameName } from "./result.ts";

export function otherHead(door: HttpDoor, statusCode: number, list: HeaderList): ResultHead {
  if (door === "v1") return { statusCode, ...headersOfV1(list) };
  const statusDescription = describe(statusCode);
  if (door === "alb") return { statusCode, statusDescription, headers: firstCookieOnly(list) };
  return { statusCode, statusDescription, multiValueHeaders: grouped(list) };
}

/** How many cookies of an answer get lost on the way. */
export function lostCookies(headers: HeaderList): number {
  return Math.max(0, headers.filter(([name]) => isSetCookie(name)).length - 1);
}

function describe(status: number): string {
  // Only a load balancer asks for it, and node:http takes longer to load than all of this.
  const { STATUS_CODES } = process.getBuiltinModule("node:http");
  return `${status} ${STATUS_CODES[status] ?? ""}`.trimEnd();
}

/** A header goes into one of the two lists, never into both: API Gateway would send it twice. */
function headersOfV1(list: HeaderList): Pick<ResultHead, "headers" | "multiValueHeaders"> {
  const headers = members<string>();
  const multiValueHeaders = members<string[]>();
  for (const [name, values] of Object.entries(grouped(list))) {
    if (values.length === 1) headers[name] = values[0]!;
    else multiValueHeaders[name] = values;
  }
  return { headers, multiValueHeaders };
}

function firstCookieOnly(list: HeaderList): Record<string, string> {
  const headers = members<string>();
  let hasCookie = false;
  for (const [name, value] of list) {
    if (isSetCookie(name)) {
      if (!hasCookie) headers[name] = value;
      hasCookie = true;
    } else add(headers, name, value);
  }
  return headers;
}

function grouped(list: HeaderList): Record<string, string[]> {
  const groups = members<string[]>();
  for (const [name, value] of list) {
    const own = sameName(groups, name);
    const group = groups[own];
    if (group === undefined) groups[own] = [value];
    else group.push(value);
  }
  return groups;
}
