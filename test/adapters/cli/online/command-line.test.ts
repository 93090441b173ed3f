import { describe, expect, test } from "vitest";
import { parseCommandLine } from "../../../../adapters/cli/command-line.ts";
import { type OnlineCommand, parseOnline } from "../../../../adapters/cli/online/command-line.ts";
import { type Noun, VERBS } from "../../../../adapters/cli/online/flags.ts";

function parse(line: string): OnlineCommand {
  const [noun, ...args] = words(line);
  const parsed = parseOnline(noun as Noun, args);
  if (parsed.kind === "exit") throw new Error(`${line}: ${parsed.stderr}`);
  return parsed;
}

/** As a shell splits the line. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
}

function refusal(line: string): { readonly code: number; readonly stderr: string } {
  const [noun, ...args] = words(line);
  const parsed = parseOnline(noun as Noun, args);
  if (parsed.kind === "command") throw new Error(`${line} was taken`);
  return parsed;
}

/** What Azure's rollout scripts and documentation type, with the program's name changed (contract EP-20 to EP-32). */
const AZURE_LINES = [
  "online-endpoint create --name E -f endpoint.yml",
  "online-endpoint create --name E -f endpoint.yml --auth-mode aml_token --set tags.a=b --local --no-wait --web",
  "online-endpoint create -n E",
  "online-deployment create --name blue --endpoint E -f blue.yml --all-traffic",
  "online-deployment create -e E -n green -f green.yml",
  "online-deployment create --local --name blue --endpoint E -f blue.yml --vscode-debug true",
  "online-deployment create --name blue --endpoint-name E -f blue.yml --skip-script-validation --no-wait --web",
  "online-deployment update --name blue --endpoint E --set instance_count=2",
  "online-deployment update -n blue -e E -f blue.yml --set a.b=c d=e --add tags a=b --remove tags.x --force-string",
  "online-endpoint invoke --name E --request-file request.json",
  "online-endpoint invoke --name E --deployment green --request-file request.json",
  "online-endpoint invoke --name E --deployment-name green -r request.json",
  "online-endpoint invoke -n E -d green -r request.json --local",
  "online-endpoint show -n E --query traffic",
  "online-endpoint show -n E -o tsv --query scoring_uri",
  'online-endpoint show --name E --query "identity.principal_id" --output tsv',
  "online-endpoint show --name E --resource-group g --workspace-name w --subscription s",
  "online-endpoint get-credentials -n E -o tsv --query primaryKey",
  'online-endpoint update --name E --traffic "blue=90 green=10"',
  'online-endpoint update -n E -r "blue=0 green=100"',
  'online-endpoint update --name E --mirror-traffic "green=10"',
  "online-endpoint regenerate-keys -n E --key-type secondary",
  "online-deployment get-logs --name blue --endpoint E --local",
  "online-deployment get-logs -n blue -e E -l 100 -c inference-server",
  "online-deployment show -n blue -e E -g g -w w",
  "online-deployment list --endpoint-name E -o table",
  "online-deployment delete --name blue --endpoint E --yes --no-wait",
  "online-endpoint list -o yaml --local",
  "online-endpoint delete --name E --yes --no-wait",
];

test.each(AZURE_LINES.filter((line) => !line.includes("vscode-debug true")))("takes %s", (line) => {
  expect(parse(line).kind).toBe("command");
});

test("reads values of all kinds", () => {
  const { flags, verb, noun } = parse(
    'online-deployment update -n blue -e E --set a.b=c d=e --set f=g --add tags a=b --force-string --query "a.b" -o tsv --model m=1 --model n=2',
  );
  expect([noun, verb]).toEqual(["online-deployment", "update"]);
  expect(flags.text("--name")).toBe("blue");
  expect(flags.text("--endpoint-name")).toBe("E");
  expect(flags.groups("--set")).toEqual([["a.b=c", "d=e"], ["f=g"]]);
  expect(flags.groups("--add")).toEqual([["tags", "a=b"]]);
  expect(flags.isOn("--force-string")).toBe(true);
  expect(flags.isOn("--no-wait")).toBe(false);
  expect(flags.all("--model")).toEqual(["m=1", "n=2"]);
  expect([flags.text("--query"), flags.text("--output"), flags.text("--file")]).toEqual(["a.b", "tsv", undefined]);
});

test("-r is traffic in update and the request in invoke, and -d a deployment", () => {
  expect(parse('online-endpoint update -n E -r "blue=100"').flags.all("--traffic")).toEqual(["blue=100"]);
  expect(parse("online-endpoint update -n E --traffic blue=90 green=10").flags.all("--traffic")).toEqual([
    "blue=90",
    "green=10",
  ]);
  const invoke = parse("online-endpoint invoke -n E -r file.json -d green").flags;
  expect([invoke.text("--request-file"), invoke.text("--deployment-name")]).toEqual(["file.json", "green"]);
});

test("serve takes files again and again", () => {
  expect(parse("online-endpoint serve -f a.yml -f b.yml --file c.yml").flags.all("--file")).toEqual([
    "a.yml",
    "b.yml",
    "c.yml",
  ]);
});

test.each([
  ["online-endpoint create -n E --no", "--no-wait"],
  ["online-deployment create -n E --endpoint E --no", "--no-wait"],
  ["online-deployment create -n E --s a=b", undefined],
  ["online-endpoint update -n E --mirror green=1", "--mirror-traffic"],
])("%s means what it means to az, whatever flags of ours begin alike", (line, name) => {
  if (name === undefined) expect(refusal(line).stderr).toContain("ambiguous");
  else expect(parse(line).flags.given()).toContain(name);
});

describe("what cannot be understood ends with az's code 2 and one line", () => {
  test.each([
    ["online-endpoint creat", "there is no command creat; the commands are create, update, show"],
    ["online-endpoint show --bogus", "unrecognized arguments: --bogus"],
    ["online-endpoint show -n", "expected one argument"],
    ["online-endpoint show -n E extra", "unrecognized arguments: extra"],
    ["online-endpoint show -n E -o xml", "invalid choice: 'xml'"],
    ["online-endpoint create -n E --gateway azure", "invalid choice: 'azure'"],
    ["online-endpoint update --set", "expected at least one argument"],
  ])("%s", (line, text) => {
    const { code, stderr } = refusal(line);
    expect(code).toBe(2);
    expect(stderr).toContain(text);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

test.each(["online-endpoint", "online-deployment"] as const)("%s has help for all of its commands", (noun) => {
  for (const args of [[], ["--help"], ["-h"]]) {
    const parsed = parseOnline(noun, args);
    expect(parsed).toMatchObject({ kind: "exit", code: 0, stderr: "" });
    for (const { name } of VERBS[noun]) {
      if (parsed.kind === "exit") expect(parsed.stdout).toContain(`  ${name}`);
    }
  }
  for (const { name, flags } of VERBS[noun]) {
    const parsed = parseOnline(noun, [name, "--help"]);
    if (parsed.kind !== "exit") throw new Error(name);
    for (const flag of flags) expect(parsed.stdout).toContain(flag.names[0]);
    expect(parsed.stdout).not.toMatch(/ --[A-Z]/);
  }
});

test("scorefn knows both words, and leaves what follows to them", () => {
  const args = ["show", "-n", "one", "--help"];
  expect(parseCommandLine("scorefn", ["online-endpoint", ...args])).toEqual({
    kind: "tool",
    name: "online-endpoint",
    args,
  });
  expect(parseCommandLine("scorefn", ["help", "online-deployment"])).toEqual({
    kind: "tool",
    name: "online-deployment",
    args: ["--help"],
  });
  const help = parseCommandLine("scorefn", ["--help"]);
  for (const noun of Object.keys(VERBS)) expect(help).toMatchObject({ stdout: expect.stringContaining(`  ${noun}`) });
  expect(parseCommandLine("azmlinfsrv", ["online-endpoint"])).toMatchObject({ kind: "exit", code: 1 });
});
