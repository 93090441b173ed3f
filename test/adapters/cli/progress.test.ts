import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LiveLine, progressTo, StepLines } from "../../../adapters/cli/progress.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { runInTerminal } from "../../setup/terminal.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const ERASE = "\r\u001b[2K";

/** What a terminal shows of what was written. */
function screenOf(written: string): string {
  const lines = written.split("\n");
  return lines.map((line) => line.split(ERASE).at(-1)).join("\n");
}

describe("elsewhere than on a terminal", () => {
  const open = () => {
    const written: string[] = [];
    return { written, progress: new StepLines((text) => written.push(text)) };
  };

  test("only a step that takes more than a second gets a line, once", () => {
    const { written, progress } = open();
    progress.step("quick");
    vi.advanceTimersByTime(999);
    progress.step("slow");
    vi.advanceTimersByTime(10_000);
    progress.step("last");
    vi.advanceTimersByTime(500);
    progress.end();
    vi.advanceTimersByTime(10_000);
    expect(written).toEqual(["slow ...\n"]);
  });

  test("how far a step is says nothing, and does not begin it anew", () => {
    const { written, progress } = open();
    for (let part = 0; part < 20; part++) {
      progress.step("copying");
      vi.advanceTimersByTime(100);
    }
    expect(written).toEqual(["copying ...\n"]);
  });

  test("after the end there is nothing", () => {
    const { written, progress } = open();
    progress.end();
    progress.step("late");
    vi.advanceTimersByTime(10_000);
    expect(written).toEqual([]);
  });

  test("a text of several lines is one", () => {
    const { written, progress } = open();
    progress.step("one\r\ntwo\u001b[31m");
    vi.advanceTimersByTime(2_000);
    expect(written).toEqual(["one two [31m ...\n"]);
  });
});

describe("on a terminal", () => {
  const open = (columns = 40) => {
    const output = { text: "" };
    const write = (text: string): void => {
      output.text += text;
    };
    const progress = new LiveLine({ write, columns: () => columns, now: () => Date.now() });
    return { output, write, progress, shown: () => screenOf(output.text) };
  };

  test("nothing is drawn within the first second", () => {
    const { output, progress } = open();
    for (const step of ["one", "two", "three"]) {
      progress.step(step);
      vi.advanceTimersByTime(300);
    }
    progress.end();
    expect(output.text).toBe("");
  });

  test("then one line shows each step, and how long it has taken", () => {
    const { progress, shown } = open();
    progress.step("one");
    vi.advanceTimersByTime(3_100);
    expect(shown()).toMatch(/^[-\\|/] one 3 s$/);
    progress.step("two", "5 of 9 MB");
    expect(shown()).toMatch(/^[-\\|/] two: 5 of 9 MB$/);
    vi.advanceTimersByTime(1_100);
    progress.step("two", "9 of 9 MB");
    expect(shown()).toMatch(/^[-\\|/] two: 9 of 9 MB 1 s$/);
    progress.end();
    expect(shown()).toBe("");
  });

  test("a line is never as wide as the terminal, whatever is in it", () => {
    for (const text of ["x".repeat(500), "模型".repeat(200), "😀".repeat(90), "a\nb\tc\u001b[2J", "x".repeat(34)]) {
      for (const columns of [12, 20, 40, 80]) {
        const { output, progress } = open(columns);
        progress.step(text);
        vi.advanceTimersByTime(70_000);
        progress.end();
        for (const line of output.text.split(ERASE)) {
          const width = [...line].reduce((sum, one) => sum + (one > "\u0300" && one !== "…" ? 2 : 1), 0);
          expect(width).toBeLessThan(columns);
          expect(line).not.toMatch(/\p{Cc}/u);
        }
      }
    }
  });

  test("what is written beside it stands above, and the line comes back", () => {
    const { progress, write, shown } = open();
    progress.step("one");
    vi.advanceTimersByTime(2_000);
    progress.beside("a log record\n", write);
    expect(shown()).toBe("a log record\n");
    vi.advanceTimersByTime(200);
    expect(shown()).toMatch(/^a log record\n[-\\|/] one 2 s$/);
    progress.end();
    expect(shown()).toBe("a log record\n");
  });

  test("a line that others have begun is not drawn over, until it has ended", () => {
    const { progress, write, shown } = open();
    progress.step("one");
    vi.advanceTimersByTime(2_000);
    progress.beside("half a ", write);
    vi.advanceTimersByTime(2_000);
    progress.step("two");
    progress.beside("line", write);
    vi.advanceTimersByTime(2_000);
    expect(shown()).toBe("half a line");
    progress.beside("\n", write);
    vi.advanceTimersByTime(200);
    expect(shown()).toMatch(/^half a line\n[-\\|/] two/);
    progress.end();
    expect(shown()).toBe("half a line\n");
  });

  test("after the end nothing is drawn, and no signal is listened for", () => {
    const before = [process.listenerCount("SIGINT"), process.listenerCount("exit")];
    const { output, progress } = open();
    progress.step("one");
    expect(process.listenerCount("SIGINT")).toBe(before[0]! + 1);
    vi.advanceTimersByTime(2_000);
    progress.end();
    const { text } = output;
    progress.step("late");
    progress.end();
    vi.advanceTimersByTime(10_000);
    expect(output.text).toBe(text);
    expect([process.listenerCount("SIGINT"), process.listenerCount("exit")]).toEqual(before);
  });
});

test("where nobody looks there is no line to draw: no terminal, CI, a dumb one, --quiet", () => {
  const written: string[] = [];
  const stream = (isTTY: boolean) => ({ isTTY, columns: 80, write: (text: string) => written.push(text) });
  const open = (isTTY: boolean, env: Record<string, string>, isQuiet = false) =>
    progressTo(stream(isTTY) as unknown as NodeJS.WriteStream, env, isQuiet);
  expect(open(true, {})).toBeInstanceOf(LiveLine);
  expect(open(false, {})).toBeInstanceOf(StepLines);
  expect(open(true, { CI: "true" })).toBeInstanceOf(StepLines);
  expect(open(true, { TERM: "dumb" })).toBeInstanceOf(StepLines);
  const quiet = open(true, {}, true);
  quiet.step("one");
  quiet.beside("two\n", (text) => written.push(text));
  vi.advanceTimersByTime(10_000);
  quiet.end();
  expect(written).toEqual(["two\n"]);
});

describe("in a real terminal", () => {
  beforeEach(() => {
    vi.useRealTimers();
  });
  const program = (body: string): string[] => [
    process.execPath,
    "--input-type=module",
    "-e",
    `const { progressTo } = await import(${JSON.stringify(packageFile("dist/adapters/cli/progress.js"))});
const progress = progressTo(process.stderr, process.env);
progress.step("waiting for the model");
const forever = setInterval(() => {}, 1_000);
${body}`,
  ];

  test("Ctrl+C leaves nothing of the line, and ends the command as it would have without", async () => {
    const { output, code } = await runInTerminal(program(""), { pressAt: "waiting for the model" });
    expect(output).toContain("waiting for the model");
    // The terminal itself shows the key.
    expect(screenOf(output.replace("^C", ""))).toBe("");
    expect(code).toBe(130);
  });

  test("so does a process that exits, or fails", async () => {
    for (const [end, left] of [
      ["process.exit(3)", ""],
      ['progress.end(); process.stderr.write("failed\\n"); process.exit(3)', "failed\n"],
    ] as const) {
      const onDrawn = `const write = process.stderr.write;
process.stderr.write = (text) => { write.call(process.stderr, text); if (text.includes("waiting")) { process.stderr.write = write; ${end}; } };`;
      const { output, code } = await runInTerminal(program(onDrawn));
      expect(output).toContain("waiting for the model");
      expect([screenOf(output), code]).toEqual([left, 3]);
    }
  });
});
