// Whatever is wrong with the settings: a function app answers with the reason, where the host looks for it.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startCustomHandler } from "../../../adapters/azure/custom-handler.ts";
import { SETTINGS, type Setting } from "../../../src/config/settings.ts";
import { createRuntime } from "../../../src/host.ts";
import { freePort } from "../../setup/server.ts";
import { SCRIPTS, temporaryFolder } from "../../setup/service.ts";
import { startApp } from "./host.ts";

type Variables = Readonly<Record<string, string>>;

const PORT = "FUNCTIONS_CUSTOMHANDLER_PORT";
const NOT_STARTED = '{"message": "The scoring script could not be started. Check the logs for more info."}';

/** Counts as off unless it is `true`. */
const SWITCH = "AML_APP_INSIGHTS_ENABLED";

/** What cannot be used, of settings whose kind does not say so. */
const BAD: Variables = {
  AZUREML_ENTRY_SCRIPT: "no_such_script.ts",
  SCOREFN_READY_PATH: "no slash",
  AWS_LAMBDA_HTTP_ENDPOINT: "nowhere",
};

function badValueOf({ kind, variable }: Setting): string | undefined {
  if (variable === SWITCH) return undefined;
  if (kind === "integer") return "many";
  if (kind === "boolean" || kind === "choice" || kind === "switch") return "perhaps";
  return BAD[variable!];
}

/** Without what is tested by itself, and what counts on AWS only. */
const rows = Object.values(SETTINGS).filter(({ variable }) => ![null, PORT, "AWS_LWA_PORT"].includes(variable));
const bad = rows.flatMap((setting): [string, string][] => {
  const value = badValueOf(setting);
  return value === undefined ? [] : [[setting.variable!, value]];
});
/** Where any text will do, the oddest. */
const odd = rows.filter((setting) => badValueOf(setting) === undefined).map(({ variable }) => variable!);

/** An app as a custom handler. @param env without its port: a free one */
async function startOnPort(env: Variables) {
  let logged = "";
  const port = await freePort();
  const handler = await startCustomHandler({
    createRuntime,
    env: {
      PATH: process.env.PATH,
      AML_APP_ROOT: SCRIPTS,
      AZUREML_ENTRY_SCRIPT: "echo.ts",
      [PORT]: String(port),
      ...env,
    },
    write: (text) => {
      logged += text;
    },
  });
  onTestFinished(handler.close);
  if (env[PORT] === undefined) expect(handler.port).toBe(port);
  const send = async (target: string) => {
    const answer = await fetch(`http://127.0.0.1:${handler.port}${target}`, target === "/score" ? POST : {});
    return { status: answer.status, text: await answer.text() };
  };
  return { send, logged: () => logged };
}

const POST = { method: "POST", body: "x" };

/** The same as a function app. */
async function startInApp(env: Variables) {
  const app = await startApp("buffered", "echo.ts", env);
  onTestFinished(app.terminate);
  const send = async (target: string) => {
    const { status, body } = await app.send({ target, ...(target === "/score" && POST) });
    return { status, text: body.toString() };
  };
  return { send, logged: app.text };
}

const ways = [
  ["custom handler", startOnPort],
  ["function app", startInApp],
] as const;
type App = Awaited<ReturnType<typeof startOnPort>>;

async function answersWhy({ send, logged }: App, reason: string): Promise<void> {
  expect(await send("/score")).toEqual({ status: 503, text: NOT_STARTED });
  expect((await send("/swagger.json")).status).toBe(503);
  expect((await send("/ready")).status).toBe(503);
  expect(await send("/")).toEqual({ status: 200, text: "Healthy" });
  expect(logged()).toContain(reason);
}

for (const [way, start] of ways) {
  test.each(bad)(`${way}: with %s=%s requests get 503, and the log has the reason`, async (variable, value) => {
    const reason = variable === "AZUREML_ENTRY_SCRIPT" ? value : variable;
    await answersWhy(await start({ [variable]: value }), reason);
  });

  test(`${way}: with every setting unusable at once`, async () => {
    const { send, logged } = await start(Object.fromEntries(bad));
    expect(await send("/score")).toEqual({ status: 503, text: NOT_STARTED });
    for (const [variable] of bad.slice(1)) expect(logged()).toContain(variable);
  });

  test.each(odd)(`${way}: with an odd %s it answers all the same`, async (variable) => {
    const { send } = await start({ [variable]: " \u0001\u007f{}%zz\\/é日\n" });
    expect(await send("/")).toEqual({ status: 200, text: "Healthy" });
    expect([200, 500, 503]).toContain((await send("/score")).status);
  });

  test.each(["config.json", "swagger.json", "swagger2.json", "swagger3.json", "swagger3.1.json"])(
    `${way}: with a broken %s, and a bad variable besides`,
    async (name) => {
      const env = await rootWith(name, "{");
      await answersWhy(await start(env), name);
      await answersWhy(await start({ ...env, SCOREFN_MAX_QUEUE: "many" }), name);
    },
  );

  test(`${way}: with a config.json whose values cannot be used`, async () => {
    await answersWhy(
      await start(await rootWith("config.json", '{"SCORING_TIMEOUT_MS": "many"}')),
      "SCORING_TIMEOUT_MS",
    );
  });

  test(`${way}: a broken logging.json is not read`, async () => {
    const { send } = await start(await rootWith("logging.json", "{"));
    expect((await send("/score")).status).toBe(200);
  });
}

test("a port that cannot be used is named in the log", async () => {
  const { send, logged } = await startOnPort({
    [PORT]: "many",
    AWS_LAMBDA_HTTP_ENDPOINT: `127.0.0.1:${await freePort()}`,
  });
  expect(await send("/score")).toEqual({ status: 503, text: NOT_STARTED });
  expect(logged()).toContain(PORT);
});

test("addresses meant for other hosts change nothing", async () => {
  const endpoint = `127.0.0.1:${await freePort()}`;
  const { send } = await startOnPort({ AWS_LAMBDA_HTTP_ENDPOINT: endpoint, SEPERATE_HEALTH_ENDPOINT: "true" });
  expect((await send("/score")).status).toBe(200);
});

/** An app root of the test's own, with a script and one more file. */
async function rootWith(name: string, text: string): Promise<Variables> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const script = folder.file("score.ts");
  await mkdir(dirname(script), { recursive: true });
  await writeFile(script, "export function init() {}\nexport const run = (data: string) => data;\n");
  await writeFile(folder.file(name), text);
  return { AML_APP_ROOT: dirname(script), AZUREML_ENTRY_SCRIPT: "score.ts" };
}
