// Runs a function app on this machine, without the Functions host.
import { resolve } from "node:path";
import { formatMs, type InvokeOptions, invokeBuild, type RunningBuild } from "../invoke.ts";
import { startAppProcess } from "./app-client.ts";

/** Posts one request to /score of an app: a build, or any app of the programming model v4.
 *  @returns the exit code   @throws ConfigError when the app does not load, or the data cannot be read */
export function invokeAzure(options: InvokeOptions): Promise<number> {
  return invokeBuild(options, () => start(options));
}

async function start({ directory, node, env, writeError }: InvokeOptions): Promise<RunningBuild> {
  const app = await startAppProcess(resolve(directory), { node, env });
  const { importMs, startMs } = app.loaded;
  return {
    coldStart: `${formatMs(app.processMs)} (entry module ${formatMs(importMs)}, start with init() ${formatMs(startMs)})`,
    async post(body) {
      const headers = [["content-type", "application/json"]] as const;
      const answer = await app.send({ target: "/score", headers, body: body.toString("base64") });
      writeError(app.output());
      for (const record of answer.log) writeError(`${record}\n`);
      return { ...answer, text: Buffer.from(answer.body, "base64").toString() };
    },
    stop: app.close,
  };
}
