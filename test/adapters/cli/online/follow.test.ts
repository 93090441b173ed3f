// `online-deployment get-logs --follow`, as a process of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { deploymentFile, kill, openShell, PROGRAM, type Shell, until } from "./shell.ts";

interface Following {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly errors: () => string;
  /** Exit code, or signal. */
  readonly ended: Promise<number | string>;
}

async function withBlue(): Promise<Shell> {
  const shell = openShell();
  shell.write("blue.yml", deploymentFile("blue"));
  await shell.ok("online-endpoint create -n one");
  await shell.ok("online-deployment create -e one -f blue.yml");
  return shell;
}

function follow(shell: Shell, more = ""): Following {
  const line = `online-deployment get-logs -e one -n blue --follow ${more}`.trim();
  const child = spawn(PROGRAM[0]!, [PROGRAM[1]!, ...line.split(" ")], { cwd: shell.folder, env: shell.env });
  onTestFinished(() => void child.kill("SIGKILL"));
  let [out, errors] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  return { child, out: () => out, errors: () => errors, ended };
}

async function ask(shell: Shell, word: string): Promise<void> {
  shell.write("request.json", JSON.stringify(word));
  await shell.ok("online-endpoint invoke -n one -d blue -r request.json");
}

test("goes on with what is written, and ends when the deployment is deleted", async () => {
  const shell = await withBlue();
  const following = follow(shell, "-l 1");
  await until(() => following.out() === "a second line\n");
  await ask(shell, "hello");
  await until(() => following.out().endsWith('asked: "hello"\n'));
  await shell.ok("online-deployment delete -e one -n blue --yes");
  expect(await following.ended).toBe(0);
  expect([following.out(), following.errors()]).toEqual(['a second line\nasked: "hello"\n', ""]);
});

test("ends with Ctrl+C, with the endpoint, and with its own reader", async () => {
  const shell = await withBlue();
  const [stopped, deleted] = [follow(shell), follow(shell)];
  await until(() => stopped.out() !== "" && deleted.out() !== "");
  stopped.child.kill("SIGINT");
  expect(await stopped.ended).toBe("SIGINT");

  const piped = follow(shell);
  await until(() => piped.out() !== "");
  piped.child.stdout!.destroy();
  await ask(shell, "into the void");
  await ask(shell, "again");
  expect(await piped.ended).toBe(0);

  await until(() => deleted.out().includes("again"));
  await shell.ok("online-endpoint delete -n one --yes");
  expect([await deleted.ended, deleted.errors()]).toEqual([0, ""]);
});

test("says so when the process of the endpoint is killed, and starts it when it does not run", async () => {
  const shell = await withBlue();
  const following = follow(shell);
  await until(() => following.out() !== "");
  await kill(shell.pid("one"));
  expect(await following.ended).toBe(1);
  expect(following.errors()).toMatch(/error: the process of the endpoint ended before it answered/);
  const again = follow(shell, "-l 1");
  await until(() => again.out() === "a second line\n");
});

test("cannot give what needs the whole", async () => {
  const shell = await withBlue();
  const { code, stderr } = await shell.type("online-deployment get-logs -e one -n blue --follow -o json");
  expect([code, stderr]).toEqual([1, expect.stringMatching(/error: --follow writes lines as they come/)]);
  expect((await shell.type("online-deployment get-logs -e one -n red --follow")).code).toBe(3);
});
