import { expect, test } from "vitest";
import type { OnlineHost } from "../../../../adapters/cli/online/program.ts";
import { painted, showing } from "../../../../adapters/cli/online/showing.ts";

test("what is under way is a step, all else is told, and nothing is drawn while the user is asked", async () => {
  const said: string[] = [];
  const note = (what: string) => (text: string) => void said.push(`${what} ${text}`);
  const host = { write: note("out"), writeError: note("error"), tell: note("tell"), ask: async () => "y" };
  const progress = {
    step: note("step"),
    beside: (text: string, write: (text: string) => void) => {
      said.push(`beside ${JSON.stringify(text)}`);
      write(text);
    },
    end: () => {},
  };
  const shown = showing(host as unknown as OnlineHost, progress, "online-deployment create");
  shown.tell("blue: making an environment with uv for conda.yml: six ...\n");
  shown.tell("blue: Collecting six ...\n");
  shown.tell("blue: warning: something ... is odd\n");
  shown.tell("blue: the environment is ready after 3.1 s\n");
  shown.write("{}\n");
  expect(await shown.ask?.("Sure? ")).toBe("y");
  expect(said).toEqual([
    "step online-deployment create",
    "step blue: making an environment with uv for conda.yml: six",
    "step blue: Collecting six",
    'beside "blue: warning: something ... is odd\\n"',
    "tell blue: warning: something ... is odd\n",
    "step online-deployment create",
    'beside "blue: the environment is ready after 3.1 s\\n"',
    "tell blue: the environment is ready after 3.1 s\n",
    "step online-deployment create",
    'beside "{}\\n"',
    "out {}\n",
    'beside "Sure? "',
    'beside "\\n"',
  ]);
});

test.each([
  ["warning: one\n", "<warning:> one\n"],
  ["blue: warning: one\n", "blue: <warning:> one\n"],
  ["blue: no warning: one\n", "blue: no warning: one\n"],
  ["note: one\n", "note: one\n"],
])("%j stands out as %j", (text, expected) => {
  expect(painted(text, (_role, word) => `<${word}>`)).toBe(expected);
  expect(painted(text)).toBe(text);
});
