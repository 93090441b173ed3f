// Runs a function app on this machine, without the Functions host.
import { resolve } from "node:path";
import { formatMs, type InvokeOptions, invokeBuild, type RunningBuild, type StartOptions } from "../invoke.ts";
import { startAppProcess } from "./app-client.ts";

/** Posts one request to /score of an app: a build, or any app of the programming model v4.
 *  @returns the exit code   @throws ConfigError when the app does not load, or the data cannot be read */
export function invokeAzure(options: InvokeOptions): Promise<number> {
  return invokeBuild(options, () => startAzure(options));
}

/** @throws ConfigError when the app does not load */
export async function startAzure({ directory, node, env, writeError, signal }: StartOptions): Promise<RunningBuild> {
  const app = await startAppProcess(resolve(directory), { node, env, signal });
  const { importMs, startMs } = app.loaded;
  let shown = 0;
  const showOutput = (): void => {
    const output = app.output();
    writeError(output.slice(shown));
    shown = output.length;
  };
  return {
    coldStart: `${formatMs(app.processMs)} (entry module ${formatMs(importMs)}, start with init() ${formatMs(startMs)})`,
    async send({ method, path, query, headers, body }) {
      const target = query === "" ? path : `${path}?${query}`;
      const content = body.length === 0 ? {} : { body: body.toString("base64") };
      const answer = await app.send({ method, target, headers: Object.entries(headers), ...content });
      showOutput();
      for (const record of answer.log) writeError(`${record}\n`);
      return { ...answer, body: Buffer.from(answer.body, "base64") };
    },
    async stop() {
      await app.close();
      showOutput();
    },
  };
}
