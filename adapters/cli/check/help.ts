// What `scorefn check --help` says.
import type { HelpPage } from "../help/page.ts";
import { FLAGS } from "./flags.ts";

export function checkPage(): HelpPage {
  const titles = [...new Set(FLAGS.map(({ group }) => group))];
  return {
    usage: "scorefn check [SCRIPT | BUILD | --url URL] [flags] [-- COMMAND ...]",
    about:
      "Checks a score script before it is rolled out: loads it as the server would, runs init(), validates the swagger " +
      "documents, sends requests and looks at the answers. Requests are the example of the declared input, " +
      "sample-request.json beside the script, --data, and files of checks (checks/*.yaml, checks/*.json). It does the same " +
      "with a model that needs no script, with a folder of scorefn build, and with a server that runs.",
    examples: [
      "scorefn check score.py --model_dir model",
      "scorefn check --model model.onnx",
      "scorefn check score.py --data @in.json --expect @out.json --tolerance 1e-6",
      "scorefn check score.py --report junit=check.xml --report sarif=check.sarif",
      "scorefn check build/lambda --max_init_ms 10000",
      'scorefn check --url https://host/score --key "$KEY"',
      "scorefn check score.py -- pytest tests/",
    ],
    groups: [
      ...titles.map((title) => ({
        title,
        rows: FLAGS.filter(({ group }) => group === title).map(({ flag, value, help }) => ({
          name: value === undefined ? `--${flag}` : `--${flag} ${value}`,
          text: help,
        })),
      })),
      {
        title: "behind --",
        rows: [
          {
            name: "COMMAND ...",
            text:
              "Runs the command while the script is served on a free port, once all checks have passed. The command finds " +
              "it at SCORE_URL and SCORE_PORT; its exit code is that of the check.",
          },
        ],
      },
      {
        title: "exit codes",
        rows: [
          { name: "0", text: "good" },
          { name: "1", text: "wrong flags, or files that cannot be used" },
          { name: "3", text: "does not load" },
          { name: "4", text: "a wrong answer, or something else that a check has found" },
        ],
      },
    ],
  };
}
