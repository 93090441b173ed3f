import { expect, test } from "vitest";
import { hideKey, type Keyed, withoutKey } from "../../../adapters/azure/function-key.ts";

function hidden(query: string, headers: Record<string, string> = {}): Keyed {
  const request: Keyed = { query, headers };
  hideKey(request);
  return request;
}

test.each([
  ["", "", undefined],
  ["a=1&b=2", "a=1&b=2", undefined],
  ["code=K", "", "code=***"],
  ["a=1&code=K&b", "a=1&b", "a=1&code=***&b"],
  ["code=K&code=L", "", "code=***&code=***"],
  ["CoDe=K", "", "code=***"],
  ["c%6fde=K", "", "code=***"],
  ["%43%4F%44%45=K", "", "code=***"],
  ["+code=K", "", "code=***"],
  ["code%20=K", "", "code=***"],
  ["code", "", "code=***"],
  ["code=K=L", "", "code=***"],
  ["code%3DK", "code%3DK", undefined],
  ["codes=1&mycode=2&x=code=3", "codes=1&mycode=2&x=code=3", undefined],
  ["c%zzode=1&%=2&&", "c%zzode=1&%=2&&", undefined],
  ["%2563ode=1", "%2563ode=1", undefined],
  ["a=%E0%A4%A&c%6Fde=K&é=1", "a=%E0%A4%A&é=1", "a=%E0%A4%A&code=***&é=1"],
])("of the query %j the script sees %j", (query, seen, logged) => {
  expect(hidden(query)).toEqual({ query: seen, headers: {}, ...(logged !== undefined && { loggedQuery: logged }) });
});

test("the header goes, and the key in the address that a client comes from", () => {
  const headers = { "x-functions-key": "K", "x-a": "1", referer: "https://a.example/score?x=1&Code=K" };
  expect(hidden("", headers).headers).toEqual({ "x-a": "1", referer: "https://a.example/score?x=1&code=***" });
});

test("a target as records show it", () => {
  expect(withoutKey("/score?c%6Fde=K&a=1")).toBe("/score?code=***&a=1");
  expect(withoutKey("/score")).toBe("/score");
});
