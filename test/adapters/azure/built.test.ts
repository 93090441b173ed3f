import { cp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startAppProcess } from "../../../packaging/azure-functions/app-client.ts";
import { buildAzure } from "../../../packaging/azure-functions/build.ts";
import { type CreateDriver, describeConformance } from "../../conformance.ts";
import { SCRIPTS, temporaryFolder } from "../../setup/service.ts";
import { INTERNAL, startSink } from "./sink.ts";

const folder = await temporaryFolder();
afterAll(folder.remove);
const builds = new Map<string, Promise<string>>();

/** The build of a script, below a folder that is like that of the sources. @returns that folder */
function build(script: string): Promise<string> {
  let made = builds.get(script);
  if (made === undefined) {
    const root = folder.file(`app-${builds.size}`);
    made = buildAzure({ entryScript: join(SCRIPTS, script), out: join(root, dirname(script)) }).then(() => root);
    builds.set(script, made);
  }
  return made;
}

/** A build in a process of its own. */
const createDriver: CreateDriver = async (script, env) => {
  const root = await build(script);
  const app = await startAppProcess(join(root, dirname(script)), {
    env: { AML_APP_ROOT: root, AZUREML_ENTRY_SCRIPT: script, ...env },
  });
  let log = "";
  return {
    async send({ body, onChunk: _, ...request }) {
      const sent = body === undefined ? undefined : Buffer.from(body).toString("base64");
      const answer = await app.send({ ...request, body: sent });
      log += answer.log.map((record) => `${record}\n`).join("");
      return { ...answer, body: Buffer.from(answer.body, "base64") };
    },
    logged: () => app.output() + log,
    close: app.close,
  };
};

// As through the registrations, with HTTP streaming; here the chunks of a streamed answer are not looked at one by one.
const carries = { streams: false, cutsOff: false, anyTarget: false, unknownPaths: false, exactNames: false };

describeConformance("Azure Functions, built, TypeScript", { language: "typescript", createDriver, ...carries });

test("a built app sends spans where it is told to, and its last ones at its end", async () => {
  const { env, spans } = await startSink();
  const app = await startAppProcess(await build("echo.ts"), { env });
  const answer = await app.send({ target: "/score", headers: [], body: Buffer.from('"x"').toString("base64") });
  expect(answer.status).toBe(200);
  await app.close();
  expect(spans().map(({ name, kind }) => [name, kind])).toEqual(
    expect.arrayContaining([
      ["score", INTERNAL],
      ["run", INTERNAL],
    ]),
  );
});

test("a built app loads its telemetry only where it is on, and answers without", async () => {
  const copy = folder.file("without-telemetry");
  await cp(await build("echo.ts"), copy, { recursive: true });
  await rm(join(copy, "dist/telemetry-sdk.cjs"));
  const answerOf = async (env: Readonly<Record<string, string>>) => {
    const app = await startAppProcess(copy, { env });
    const body = Buffer.from('"x"').toString("base64");
    const { status } = await app.send({ target: "/score", headers: [], body });
    await app.close();
    return { status, isTold: app.output().includes("Telemetry is off, because it cannot be loaded") };
  };
  expect(await answerOf({})).toEqual({ status: 200, isTold: false });
  expect(await answerOf({ OTEL_TRACES_EXPORTER: "console" })).toEqual({ status: 200, isTold: true });
});
