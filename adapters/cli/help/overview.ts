// What `scorefn --help` says.
import { VERSION } from "../../../src/host.ts";
import { COMMAND_GROUPS, COMMANDS } from "../commands.ts";
import type { HelpPage } from "./page.ts";

export function overviewPage(): HelpPage {
  const groups = Object.entries(COMMAND_GROUPS).map(([group, title]) => ({
    title,
    rows: Object.entries(COMMANDS)
      .filter(([, command]) => command.group === group)
      .map(([name, { help }]) => ({ name, text: help })),
  }));
  const more = {
    title: "more",
    rows: [
      { name: "help <command>", text: "what a command does, with its flags" },
      { name: "version", text: "the version" },
    ],
  };
  return {
    usage: "scorefn <command> [flags]",
    about: `scorefn ${VERSION} serves score scripts, Python, JavaScript or TypeScript, and builds them for AWS Lambda and Azure Functions.`,
    examples: [
      "scorefn dev score.py --model_dir model",
      "scorefn serve score.py --model_dir model",
      "scorefn build score.py --target aws-lambda --out build",
      "scorefn help serve",
    ],
    groups: [...groups, more],
  };
}
