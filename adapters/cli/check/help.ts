// What `scorefn check --help` says, at 80 columns.
import { FLAGS } from "./flags.ts";

/** Columns of help: what every terminal has. */
const WIDTH = 80;
/** Column at which the texts of flags begin. */
const TEXT_COLUMN = 30;

const HEAD = `usage: scorefn check [SCRIPT] [flags] [-- COMMAND ...]
       scorefn check BUILD [flags]
       scorefn check --url URL [flags] [-- COMMAND ...]

Checks a score script before it is rolled out: loads it as the server would,
runs init(), validates the swagger documents, sends requests and looks at the
answers. Requests are the example of the declared input, sample-request.json
beside the script, --data, and files of checks (checks/*.yaml, checks/*.json).
It does the same with a folder of scorefn build, and with a server that runs.
`;

const TAIL = `
behind --:
  COMMAND ...               Runs the command while the script is served on a
                            free port, once all checks have passed. The command
                            finds it at SCORE_URL and SCORE_PORT; its exit code
                            is that of the check.

exit codes:
  0  good
  1  wrong flags, or files that cannot be used
  3  does not load
  4  a wrong answer, or something else that a check has found

examples:
  scorefn check score.py --model_dir model
  scorefn check score.py --data @in.json --expect @out.json --tolerance 1e-6
  scorefn check score.py --report junit=check.xml --report sarif=check.sarif
  scorefn check build/lambda --max_init_ms 10000
  scorefn check --url https://host/score --key "$KEY"
  scorefn check score.py -- pytest tests/
`;

export function checkHelp(): string {
  const groups = [...new Set(FLAGS.map(({ group }) => group))];
  const lines = groups.flatMap((group) => [
    "",
    `${group}:`,
    ...FLAGS.filter((flag) => flag.group === group).flatMap(lineOf),
  ]);
  return `${HEAD}${lines.join("\n")}\n${TAIL}`;
}

function lineOf({ flag, value, help }: (typeof FLAGS)[number]): string[] {
  const name = `  --${flag}${value === undefined ? "" : ` ${value}`}`;
  const texts = wrapped(help, WIDTH - TEXT_COLUMN);
  const indent = " ".repeat(TEXT_COLUMN);
  const isShort = name.length + 2 <= TEXT_COLUMN;
  const [first = "", ...rest] = texts;
  const head = isShort ? [name.padEnd(TEXT_COLUMN) + first] : [name, indent + first];
  return [...head, ...rest.map((text) => indent + text)];
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
