import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import { startAppProcess } from "../../../packaging/azure-functions/app-client.ts";
import { buildAzure } from "../../../packaging/azure-functions/build.ts";
import { type CreateDriver, describeConformance } from "../../conformance.ts";
import { SCRIPTS, temporaryFolder } from "../../setup/service.ts";

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
