// What people see of a command that takes long: on a terminal what is under way stands in one line, and goes when it is over.
import { plainPaint } from "../../../src/host.ts";
import type { Progress } from "../progress.ts";
import type { OnlineHost } from "./program.ts";

/** How lines end that are about what is under way. */
const UNDER_WAY = /\s*(?:\.\.\.|…)\n$/;

/** @param what the command, as typed */
export function showing(host: OnlineHost, progress: Progress, what: string): OnlineHost {
  const { ask } = host;
  progress.step(what);
  return {
    ...host,
    write: (text) => progress.beside(text, host.write),
    writeError: (text) => progress.beside(text, host.writeError),
    tell: (text) => {
      if (UNDER_WAY.test(text)) return progress.step(text.replace(UNDER_WAY, ""));
      progress.beside(text, host.tell);
      // What was under way is over, and nobody has said what is now.
      progress.step(what);
    },
    ...(ask && {
      ask: async (question) => {
        // The line stays away until there is an answer.
        progress.beside(question, () => {});
        const answer = await ask(question);
        progress.beside("\n", () => {});
        return answer;
      },
    }),
  };
}

/** Warnings stand out, also those that are about one deployment. */
export function painted(text: string, paint: OnlineHost["paint"] = plainPaint): string {
  return text.replace(/^(\S+: )?(warning:)/, (_all, who = "", word) => `${who}${paint("warning", word)}`);
}
