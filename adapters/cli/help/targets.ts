// What `scorefn build --help` and `scorefn invoke --help` say, from the registry of targets.
import { COMMON_FLAGS, TARGETS, type TargetFlag } from "../../../packaging/targets.ts";
import { flagName, type HelpPage, type HelpRow } from "./page.ts";

const NAMES = TARGETS.map(({ name }) => name);

export function buildPage(): HelpPage {
  const target: HelpRow = {
    name: flagName("target", { choices: NAMES }),
    text: `The cloud. ${TARGETS.map(({ name, limits }) => `${name} takes ${limits}.`).join(" ")}`,
  };
  return {
    usage: "scorefn build [SCRIPT] --target TARGET --out FOLDER [--flag value ...]",
    about: "Turns a score script and its model, or a model alone, into a folder that deploys to a cloud, and says how.",
    examples: [
      "scorefn build score.py --target aws-lambda --out build",
      "scorefn build score.ts --target azure-functions --model_dir model --out build",
      "scorefn build --model model.onnx --target aws-lambda --arch arm64 --out build",
      "scorefn invoke build --data @sample-request.json",
    ],
    groups: [
      {
        title: "every build",
        rows: [
          { name: "SCRIPT", text: "The score script; the same as --entry_script." },
          target,
          ...COMMON_FLAGS.map(flagRow),
        ],
      },
      ...TARGETS.map(({ name, flags }) => ({ title: `--target ${name}`, rows: flags.map(flagRow) })),
    ],
  };
}

export function invokePage(): HelpPage {
  return {
    usage: "scorefn invoke FOLDER --data DATA",
    about: "Posts one request to /score of a build, in a fresh process, and prints the answer and what it took.",
    examples: ["scorefn invoke build --data @sample-request.json", `scorefn invoke build --data '{"data": [[1, 2]]}'`],
    groups: [
      {
        title: "flags",
        rows: [
          { name: "FOLDER", text: "The folder of the build." },
          { name: "--data DATA", text: "The request body, or @file." },
          {
            name: flagName("target", { choices: NAMES }),
            text: "The cloud; only for a folder that scorefn has not built.",
          },
          { name: "--quiet", text: "No progress on stderr." },
        ],
      },
    ],
  };
}

function flagRow({ flag, kind, choices, help }: TargetFlag): HelpRow {
  return { name: flagName(flag, { kind, choices }), text: help };
}
