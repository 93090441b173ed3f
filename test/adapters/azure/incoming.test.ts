import { HttpRequest, InvocationContext } from "@azure/functions";
import { expect, test } from "vitest";
import { toRequestHead } from "../../../adapters/azure/incoming.ts";
import { createLog } from "../../../src/host.ts";

function remoteAddress(forwardedFor: string | undefined): string | undefined {
  const headers = forwardedFor === undefined ? {} : { "X-Forwarded-For": forwardedFor };
  const request = new HttpRequest({ method: "GET", url: "http://localhost/score", headers });
  const log = createLog(() => {}, "INFO");
  return toRequestHead(request, new InvocationContext(), log).remoteAddress;
}

test.each([
  [undefined, undefined],
  ["", undefined],
  ["203.0.113.7", "203.0.113.7"],
  ["203.0.113.7:51000", "203.0.113.7"],
  ["10.0.0.1, 203.0.113.7:51000", "203.0.113.7"],
  ["2001:db8::1", "2001:db8::1"],
  ["[2001:db8::1]:51000", "2001:db8::1"],
  ["[2001:db8::1]", "2001:db8::1"],
])("of X-Forwarded-For %j the client is %j", (forwardedFor, expected) => {
  expect(remoteAddress(forwardedFor)).toBe(expected);
});
