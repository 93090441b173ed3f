import { afterEach, describe, expect, test, vi } from "vitest";
import { hasField, parsePattern } from "../../../src/log/pattern.ts";

const TIME = Date.UTC(2026, 10, 20, 19, 33, 1, 81);

function written(format: string, clock: "utc" | "local" = "utc"): string {
  return parsePattern(format, clock).bind("WARNING", 2321, "azmlinfsrv.print")(TIME, "hello");
}

afterEach(() => vi.unstubAllEnvs());

describe("a format (LOG-8)", () => {
  test.each([
    [
      "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s",
      "2026-11-20 19:33:01,081 W [2321] azmlinfsrv.print - hello",
    ],
    [
      "[%(levelname)s] [%(process)d] %(name)s %(asctime)s | %(message)s",
      "[WARNING] [2321] azmlinfsrv.print 2026-11-20 19:33:01,081 | hello",
    ],
    ["%(levelname)-9s|%(process)6d|%(process)06d|%(message)7.3s", "WARNING  |  2321|002321|    hel"],
    ["%(levelno)s 100%% %(message)s%(message)s", "30 100% hellohello"],
    ["", ""],
  ])("%s", (format, expected) => {
    expect(written(format)).toBe(expected);
  });

  test("shows a dash for what a record does not have, and says what that is", () => {
    const format = "%(lineno)d %(threadName)s %(lineno)d %(message)s";
    expect(written(format)).toBe("- - - hello");
    expect(parsePattern(format, "utc").missing).toEqual(["lineno", "threadName"]);
  });

  test("shows the time of the process's zone, unless it is of the class that uses UTC (LOG-7)", () => {
    vi.stubEnv("TZ", "Asia/Tokyo");
    expect(written("%(asctime)s", "local")).toBe("2026-11-21 04:33:01,081");
    expect(written("%(asctime)s", "utc")).toBe("2026-11-20 19:33:01,081");
  });

  test("has at least one field", () => {
    expect(["%(message)s", "x %(name)5.2s"].map(hasField)).toEqual([true, true]);
    expect(["", "message", "%s", "100%%", "{message}"].map(hasField)).toEqual([false, false, false, false, false]);
  });
});
