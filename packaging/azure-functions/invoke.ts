// Runs a function app on this machine, without the Functions host.
import { resolve } from "node:path";
import { formatBytes } from "../report.ts";
import { readRequestData } from "../request-data.ts";
import { type AppProcessOptions, startAppProcess } from "./app-client.ts";

export interface AzureInvokeOptions extends AppProcessOptions {
  /** Folder of host.json: a build, or any app of the programming model v4. */
  readonly directory: string;
  /** The request body, or `@file`. */
  readonly data: string;
  /** Gets the answer's body, for stdout. */
  readonly write: (text: string) => void;
  /** Gets the app's log and the figures, for stderr. */
  readonly writeError: (text: string) => void;
}

/** Posts one request to /score of an app in a fresh process, prints the answer and what it took.
 *  @returns exit code: 0 when the answer's status is 200, else 1
 *  @throws ConfigError when the app does not load, or the data cannot be read */
export async function invokeAzure(options: AzureInvokeOptions): Promise<number> {
  const { data, write, writeError } = options;
  const body = (await readRequestData(data)).toString("base64");
  const app = await startAppProcess(resolve(options.directory), options);
  try {
    const request = {
      method: "POST",
      target: "/score",
      headers: [["content-type", "application/json"]] as const,
      body,
    };
    const first = await app.send(request);
    const second = await app.send(request);
    const { importMs, startMs } = app.loaded;
    write(`${Buffer.from(first.body, "base64").toString()}\n`);
    writeError(app.output());
    for (const record of first.log) writeError(`${record}\n`);
    const broken = first.complete ? "" : " (the answer broke off)";
    writeError(`status      ${first.status}${broken}\n`);
    writeError(`cold start  ${ms(app.processMs)} (entry module ${ms(importMs)}, start with init() ${ms(startMs)})\n`);
    writeError(`requests    ${ms(first.durationMs)}, then ${ms(second.durationMs)}\n`);
    writeError(`memory      ${formatBytes(second.memoryBytes)}\n`);
    return first.status === 200 && first.complete ? 0 : 1;
  } finally {
    await app.close();
  }
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
