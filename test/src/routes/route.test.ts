import { describe, expect, test } from "vitest";
import { type Route, type RouteFamily, RouteTable, type TellError } from "../../../src/routes/route.ts";

const route = (path: string): Route => ({
  path,
  methods: ["GET"],
  logged: false,
  public: false,
  takesBody: false,
  handle: () => ({ status: 200, headers: [], body: path }),
});
const words: TellError = () => ({ status: 400, headers: [], body: "words" });
const one = route("/v2/models/{model}");
const asked: string[] = [];
const family: RouteFamily = {
  tellerOf: (path) => (path.startsWith("/v2/") ? words : undefined),
  find(path) {
    asked.push(path);
    return path.startsWith("/v2/models/") ? one : undefined;
  },
};
const exact = route("/v2/health/live");
const table = new RouteTable([route("/score"), exact], family);

describe("routes by path", () => {
  test.for([
    ["/score", "/score"],
    ["//score", "/score"],
    ["/%73core", "/score"],
    ["/v2/health/live", "/v2/health/live"],
    ["/v2/%68ealth/live", "/v2/health/live"],
    ["/v2/models/m", "/v2/models/{model}"],
    ["//v2/models/m", "/v2/models/{model}"],
    ["/v2/models/%", "/v2/models/{model}"],
    ["/v2/other", undefined],
    ["/v2", undefined],
    ["/v20/models/m", undefined],
    ["/V2/models/m", undefined],
    ["/%76%32/models/m", undefined],
    ["/score/v2/models/m", undefined],
  ] as const)("%s is %s", ([path, found]) => {
    expect(table.find(path)?.path).toBe(found);
  });

  test("a path that is a route's own never gets to a family, which sees one slash in front", () => {
    asked.length = 0;
    table.find("/score");
    table.find("/v2/health/live");
    expect(asked).toEqual([]);
    table.find("///v2/models/a%2Fb");
    expect(asked).toEqual(["/v2/models/a%2Fb"]);
  });

  test("errors below a family's prefix are told in its words, whether or not there is a route", () => {
    const tellerOf = (path: string) => table.tellerOf(path, table.find(path));
    expect(tellerOf("/v2/other")).toBe(words);
    expect(tellerOf("/score")).toBeUndefined();
    expect(tellerOf("/nothing")).toBeUndefined();
    expect(tellerOf("/v2/models/m")).toBe(one.tellError);
    expect(new RouteTable([exact]).tellerOf("/v2/other", undefined)).toBeUndefined();
  });
});
