// What users get wrong: one clear line each, az's exit codes, and nothing has changed.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { deploymentFile, kill, openShell, type Shell } from "./shell.ts";

let shell: Shell;

async function open(): Promise<void> {
  shell = openShell();
  shell.write("request.json", "{}");
  shell.write("words.txt", "not json");
  shell.write("traffic.yml", "name: one\ntraffic: {blue: 100}\n");
  shell.write("list.yml", "- a\n");
  shell.write("blue.yml", deploymentFile("blue"));
  shell.write("other.yml", deploymentFile("blue").replace("<ENDPOINT_NAME>", "two"));
}

/** Does not succeed, and says one thing. */
async function refused(code: number, message: RegExp, line: string, ...more: string[]): Promise<void> {
  const typed = await shell.type(line, ...more);
  expect([typed.code, typed.stdout]).toEqual([code, ""]);
  const errors = typed.stderr.split("\n").filter((text) => text.includes("error:"));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatch(message);
}

describe("without an endpoint", () => {
  beforeEach(open);

  test.each([
    [3, /there is no endpoint one/, "online-endpoint show -n one"],
    [3, /there is no endpoint one/, "online-endpoint delete -n one --yes"],
    [3, /there is no endpoint one/, "online-endpoint invoke -n one -r request.json"],
    [3, /there is no endpoint one/, "online-deployment create -e one -f blue.yml"],
    [3, /there is no endpoint one/, "online-deployment list -e one"],
    [1, /--name is missing/, "online-endpoint show"],
    [1, /--name is missing/, "online-endpoint create"],
    [1, /no\.yml cannot be read/, "online-endpoint create -f no.yml"],
    [1, /cannot be the name of an endpoint/, "online-endpoint show -n ../../etc"],
    [1, /cannot be the name of an endpoint/, "online-endpoint delete --yes -n a/b"],
    [1, /cannot be the name of an endpoint/, "online-endpoint create -n .."],
    [1, /cannot be the name of an endpoint: it must have at most 63 char/, `online-endpoint show -n ${"a".repeat(64)}`],
    [1, /cannot be the name of an endpoint: .* begin with a letter/, "online-endpoint show -n 1a"],
    [1, /--port 70000 is not a port/, "online-endpoint create -n one --port 70000"],
    [1, /--port -1 is not a port/, "online-endpoint create -n one --port=-1"],
    [1, /--port abc is not a port/, "online-endpoint create -n one --port abc"],
    [1, /--tolerance x must be a number, 0 or greater/, "online-endpoint create -n one --tolerance x"],
    [1, /--max-rate 0 must be 1 or greater/, "online-endpoint create -n one --max-rate 0"],
    [1, /--model x has no "="/, "online-endpoint create -n one --model x"],
    [1, /cannot listen on .*999.*--host/, "online-endpoint create -n one --host 999.1.1.1"],
    [1, /--auth-mode x is not .* key, aml_token, aad_token/, "online-endpoint create -n one --auth-mode x"],
    [1, /a new endpoint has no deployments yet; leave traffic/, "online-endpoint create -n one -f traffic.yml"],
    [1, /use the one or the others/, "online-endpoint report -n one --report junit -o json"],
    [2, /--local: invalid choice/, "online-endpoint list --local maybe"],
    [1, /--host is empty/, "online-endpoint create -n one --host="],
    [2, /--query a\. cannot be used/, "online-endpoint list --query a."],
  ])("%s, %s: %s", async (code, message, line) => {
    await refused(code, message, line);
    expect(await shell.ok("online-endpoint list")).toBe("[]\n");
  });

  test("a state folder that cannot be written", async () => {
    writeFileSync(shell.home, "a file");
    await refused(
      1,
      /the state folder .* cannot be written: .*; name a folder of yours with SCOREFN_HOME/,
      "online-endpoint create -n one",
    );
  });

  test("a foreign thing in the place of the socket is no hindrance", async () => {
    mkdirSync(shell.of("one").path, { recursive: true });
    writeFileSync(join(shell.of("one").path, "control.sock"), "no socket");
    await shell.ok("online-endpoint create -n one");
    await shell.ok("online-endpoint show -n one");
  });
});

describe("with one", () => {
  beforeEach(async () => {
    await open();
    await shell.ok("online-endpoint create -n one");
    await shell.ok("online-deployment create -e one -n blue -f blue.yml --all-traffic");
    await shell.ok("online-deployment create -e one -n green -f blue.yml");
    await shell.ok("online-deployment create -e one -n red -f blue.yml");
  });

  test("nothing of this changes anything", async () => {
    const before = [await shell.ok("online-endpoint show -n one"), await shell.ok("online-deployment list -e one")];
    for (const [code, message, line, ...more] of [
      [1, /101/, "online-endpoint update -n one --traffic", "blue=101"],
      [1, /99/, "online-endpoint update -n one --traffic", "blue=90 green=9"],
      [1, /blue=-1/, "online-endpoint update -n one --traffic", "blue=-1"],
      [1, /--traffic blue is not like/, "online-endpoint update -n one --traffic blue"],
      [1, /traffic names pink/, "online-endpoint update -n one --traffic", "pink=100"],
      [1, /one deployment at most/, "online-endpoint update -n one --mirror-traffic", "green=10 red=10"],
      [1, /at most 50 %/, "online-endpoint update -n one --mirror-traffic green=60"],
      [1, /has live traffic/, "online-endpoint update -n one --mirror-traffic blue=10"],
      [1, /name cannot be changed/, "online-endpoint update -n one --set name=two"],
      [1, /exists/, "online-endpoint create -n one"],
      [1, /exists/, "online-endpoint create -n ONE"],
      [1, /the deployment blue exists/, "online-deployment create -e one -n blue -f blue.yml"],
      [1, /list\.yml/, "online-deployment create -e one -n x -f list.yml"],
      [1, /has 100 % of the traffic/, "online-deployment delete -e one -n blue --yes"],
      [3, /no deployment pink/, "online-deployment delete -e one -n pink --yes"],
      [3, /no deployment pink/, "online-deployment show -e one -n pink"],
      [3, /no deployment pink/, "online-deployment update -e one -n pink --set a=b"],
      [3, /no deployment pink/, "online-deployment get-logs -e one -n pink"],
      [3, /no deployment \.\./, "online-deployment show -e one -n ../.."],
      [1, /--lines many is not a number/, "online-deployment get-logs -e one -n blue -l many"],
      [1, /Unable to prompt for confirmation/, "online-endpoint delete -n one"],
      [1, /Unable to prompt for confirmation/, "online-deployment delete -e one -n red"],
      [1, /Key type must be 'primary' or 'secondary'/, "online-endpoint regenerate-keys -n one --key-type third"],
      [
        1,
        /--python bleu: this command is for the deployment blue/,
        "online-deployment update -e one -n blue --python bleu=p",
      ],
      [1, /--upstream bleu: .* deployment x/, "online-deployment create -e one -n x -f blue.yml --upstream bleu=u"],
      [1, /end its process with: kill \d+/, "online-endpoint update -n one --port 1"],
      [1, /--request-file is missing/, "online-endpoint invoke -n one"],
      [1, /words\.txt is not JSON/, "online-endpoint invoke -n one -r words.txt"],
      [1, /cannot be read/, "online-endpoint invoke -n one -r none.json"],
      [3, /Deployment name pink not found for this endpoint/, "online-endpoint invoke -n one -r request.json -d pink"],
      [2, /cannot be used/, "online-endpoint update -n one --traffic green=100 --query a["],
    ] as const) {
      await refused(code, message, line, ...more);
    }
    expect([await shell.ok("online-endpoint show -n one"), await shell.ok("online-deployment list -e one")]).toEqual(
      before,
    );
  });

  test("an answer that is no success says what it means and where the script is", async () => {
    shell.write("boom.json", '"boom"');
    const { code, stderr } = await shell.type("online-endpoint invoke -n one -r boom.json");
    expect(code).toBe(1);
    expect(stderr.split("\n")).toEqual([
      "scorefn online-endpoint invoke: error: the endpoint returned 424 from the deployment blue: boom",
      "the script itself returned 500 (model_error)",
      "its run() failed",
      `script: ${join(shell.folder, "code", "score.py")}`,
      "log: scorefn online-deployment get-logs -e one -n blue",
      "",
    ]);
  });

  test("flags that mean nothing here are taken, and noted where that matters", async () => {
    const line =
      "online-endpoint show -n one --web --local true -g group -w workspace --subscription s --verbose --debug -o none";
    expect(await shell.type(line)).toEqual({
      code: 0,
      stdout: "",
      stderr: expect.stringMatching(/^note: --web changes nothing.*\n$/),
    });
    expect((await shell.type(`${line} --only-show-errors`)).stderr).toBe("");
  });
});

test("a report that says no is printed first, in every form", async () => {
  await open();
  await shell.ok("online-endpoint create -n one");
  for (const form of ["", " --report json", " -o json", " -o json --query endpoint"]) {
    const typed = await shell.type(`online-endpoint report -n one --max-differences=-1${form}`);
    expect([typed.code, typed.stdout, typed.stderr]).toEqual([
      1,
      expect.stringContaining("one"),
      "scorefn online-endpoint report: 0 of the answers differ, more than -1\n",
    ]);
  }
});

test("--only-show-errors leaves errors", async () => {
  await open();
  const { code, stderr } = await shell.type("online-endpoint show -n one --web --only-show-errors");
  expect([code, stderr]).toEqual([3, expect.stringMatching(/^scorefn online-endpoint show: error: there is no .*\n$/)]);
});

test("a list passes over what is kept and cannot be shown, and says so", async () => {
  await open();
  await shell.ok("online-endpoint create -n one");
  await kill(shell.pid("one"));
  const { state } = shell.of("one");
  rmSync(`${state}.previous`, { force: true });
  writeFileSync(state, JSON.stringify({ ...JSON.parse(readFileSync(state, "utf8")), document: { name: 1 } }));
  const { code, stdout, stderr } = await shell.type("online-endpoint list");
  expect([code, stdout]).toEqual([0, "[]\n"]);
  expect(stderr).toMatch(/^warning: .*state\.json cannot be used \(the endpoint has no name\)/);
});

test("a process that was stopped hangs no command, and the list shows its endpoint", async () => {
  await open();
  await shell.ok("online-endpoint create -n one");
  const pid = shell.pid("one");
  process.kill(pid, "SIGSTOP");
  try {
    const cure = `the endpoint one does not answer; let it go on with: kill -CONT ${pid}, or end it with: kill -KILL ${pid}`;
    const [list, show] = await Promise.all([
      shell.type("online-endpoint list --query [].name"),
      shell.type("online-endpoint show -n one"),
    ]);
    expect([list.code, JSON.parse(list.stdout), list.stderr]).toEqual([0, ["one"], `warning: ${cure}\n`]);
    expect([show.code, show.stderr]).toEqual([1, `scorefn online-endpoint show: error: ${cure}\n`]);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await shell.ok("online-endpoint show -n one");
});

test.each([
  ["y", 0],
  ["YES", 0],
  ["n", 1],
  ["", 1],
])("whoever is asked and says %j", async (answer, code) => {
  shell = openShell(answer);
  await shell.ok("online-endpoint create -n one");
  expect((await shell.type("online-endpoint delete -n one")).code).toBe(code);
  expect(await shell.ok("online-endpoint list --query", "length(@)")).toBe(code === 0 ? "0\n" : "1\n");
});
