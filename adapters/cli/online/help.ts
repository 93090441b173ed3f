// What --help says of endpoints, deployments and each of their commands.
import type { HelpPage, HelpRow } from "../help/page.ts";
import { GLOBAL_FLAGS, type Noun, type OnlineFlag, VERBS, type Verb } from "./flags.ts";

const ABOUT: Readonly<Record<Noun, string>> = {
  "online-endpoint": "Local online endpoints, with the commands of az ml and its YAML files.",
  "online-deployment": "Deployments of local online endpoints, with the commands of az ml and its YAML files.",
};

const EXAMPLES: Readonly<Record<Noun, readonly string[]>> = {
  "online-endpoint": [
    "scorefn online-endpoint create -n my-endpoint -f endpoint.yml",
    "scorefn online-endpoint invoke -n my-endpoint -r sample-request.json",
    'scorefn online-endpoint update -n my-endpoint --traffic "blue=90 green=10"',
  ],
  "online-deployment": [
    "scorefn online-deployment create -e my-endpoint -f blue.yml --all-traffic",
    "scorefn online-deployment get-logs -e my-endpoint -n blue",
  ],
};

export function nounPage(noun: Noun): HelpPage {
  return {
    usage: `scorefn ${noun} <command> [flags]`,
    about: ABOUT[noun],
    examples: EXAMPLES[noun],
    groups: [{ title: "commands", rows: VERBS[noun].map(({ name, help }) => ({ name, text: help })) }],
    notes: [`scorefn ${noun} <command> --help says more of each.`],
  };
}

export function verbPage(noun: Noun, { name, help, flags }: Verb): HelpPage {
  const line = `scorefn ${noun} ${name}`;
  const groups = [
    { title: "flags as in az ml", rows: flags.filter(({ isOurs }) => !isOurs).map(row) },
    { title: "flags of scorefn", rows: flags.filter(({ isOurs }) => isOurs).map(row) },
    { title: "flags of every command", rows: GLOBAL_FLAGS.map(row) },
  ];
  return {
    usage: `${line} [flags]`,
    about: `${help.charAt(0).toUpperCase()}${help.slice(1)}.`,
    examples: EXAMPLES[noun].filter((example) => example.startsWith(`${line} `)),
    groups: groups.filter(({ rows }) => rows.length > 0),
  };
}

function row({ names, kind, help, choices, metavar }: OnlineFlag): HelpRow {
  const word = metavar ?? choices?.join("|") ?? names[0]!.slice(2).replaceAll("-", "_").toUpperCase();
  const value = kind === "switch" || kind === "boolean" ? "" : ` ${word}${kind === "words" ? " ..." : ""}`;
  return { name: `${names.join(", ")}${value}`, text: help };
}
