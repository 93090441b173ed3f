import { describe, expect, test } from "vitest";
import { createLog } from "../../../src/log/create.ts";
import { accessMessage, formatRecord, type NcsaFields, ncsaMessage } from "../../../src/log/format.ts";
import { batchLines } from "../../../src/log/logger.ts";

describe("a log record (LOG-1)", () => {
  test("has UTC time with milliseconds, the level's first letter, pid, logger and message", () => {
    const time = Date.UTC(2026, 10, 20, 19, 33, 1, 81);
    expect(formatRecord(time, "INFO", 2321, "azmlinfsrv.user_script", "Invoking user's init function")).toBe(
      "2026-11-20 19:33:01,081 I [2321] azmlinfsrv.user_script - Invoking user's init function",
    );
  });

  test.each(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const)("marks %s by its first letter", (level) => {
    expect(formatRecord(0, level, 1, "l", "m")).toBe(`1970-01-01 00:00:00,000 ${level.charAt(0)} [1] l - m`);
  });

  test("holds no control character that a terminal would obey, but for those of several lines", () => {
    const lines: string[] = [];
    const { write, flush } = batchLines((text) => lines.push(text));
    createLog(write, "INFO", "text", 1).server.error(
      "\u001b[2J\u0085\u009b2J\u007f\u0000\u0007 caf\u00e9 \u00a0\ta\r\nb",
    );
    flush();
    expect(lines.join("").slice(24)).toBe(
      "E [1] azmlinfsrv - \\x1b[2J\\x85\\x9b2J\\x7f\\x00\\x07 caf\u00e9 \u00a0\ta\r\nb\n",
    );
  });

  test("continues a multi-line message without a prefix", () => {
    expect(formatRecord(0, "ERROR", 1, "l", "a\nb")).toBe("1970-01-01 00:00:00,000 E [1] l - a\nb");
  });

  test("tells the right time whatever was formatted before, also when the clock goes back", () => {
    const start = Date.UTC(2024, 1, 28, 23, 59, 59, 998);
    const steps = [0, 0.7, 1, 2, 1, 1000, 1002, 86_400_000, 0, 60_000, 999, -1];
    for (const step of steps) {
      const time = start + step;
      const iso = new Date(Math.floor(time)).toISOString();
      const expected = `${iso.slice(0, 10)} ${iso.slice(11, 19)},${iso.slice(20, 23)}`;
      expect(formatRecord(time, "INFO", 1, "l", "m").slice(0, 23)).toBe(expected);
    }
  });
});

describe("the server's access record (LOG-9)", () => {
  test("has method, target with raw query, status, time with three decimals and length", () => {
    expect(accessMessage("POST", "/score", "q=1", 200, 0.2071, 183)).toBe("POST /score?q=1 200 0.207ms 183");
  });

  test("has no question mark without a query, and N/A for a streamed body", () => {
    expect(accessMessage("GET", "/score", "", 200, 12, null)).toBe("GET /score 200 12.000ms N/A");
    expect(accessMessage("GET", "/score", "", 204, 12, 0)).toBe("GET /score 204 12.000ms 0");
  });
});

describe("the NCSA access record (LOG-10)", () => {
  const fields: NcsaFields = {
    timeMs: Date.UTC(2026, 10, 20, 19, 33, 4, 999),
    remoteAddress: "127.0.0.1",
    method: "GET",
    target: "/score",
    httpVersion: "1.1",
    status: 200,
    length: 28,
    referer: undefined,
    userAgent: "curl/7.88.1",
  };

  test("is in combined style with the date in UTC", () => {
    expect(ncsaMessage(fields)).toBe(
      '127.0.0.1 - - [20/Nov/2026:19:33:04 +0000] "GET /score HTTP/1.1" 200 28 "-" "curl/7.88.1"',
    );
  });

  test("writes a dash for what is unknown", () => {
    const unknown = { ...fields, remoteAddress: undefined, userAgent: undefined, referer: "" };
    expect(ncsaMessage(unknown)).toBe('- - - [20/Nov/2026:19:33:04 +0000] "GET /score HTTP/1.1" 200 28 "-" "-"');
  });

  test("is left out for liveness probes alone", () => {
    expect(ncsaMessage({ ...fields, target: "/" })).toBeNull();
    for (const logged of [
      { method: "HEAD", target: "/" },
      { target: "/?x" },
      { target: "/", httpVersion: "1.0" },
      { method: "POST", target: "/" },
    ]) {
      expect(ncsaMessage({ ...fields, ...logged })).toContain(" HTTP/");
    }
  });

  test("names every month, and follows the clock from call to call", () => {
    const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
    for (const [index, month] of months.entries()) {
      const line = ncsaMessage({ ...fields, timeMs: Date.UTC(2027, index, 9, 1, 2, 3) });
      expect(line).toContain(`[09/${month}/2027:01:02:03 +0000]`);
    }
  });

  test("keeps a client from closing the quotes or starting a line of its own", () => {
    const line = ncsaMessage({ ...fields, userAgent: 'x" 200\r\nfake \u0000', referer: "a\tb\u007f\u009b" });
    expect(line).toBe(
      '127.0.0.1 - - [20/Nov/2026:19:33:04 +0000] "GET /score HTTP/1.1" 200 28 "a\\x09b\\x7f\\x9b" "x\\" 200\\x0d\\x0afake \\x00"',
    );
  });
});
