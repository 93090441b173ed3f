import { spawn } from "node:child_process";
import { processEnvironment } from "../../src/host.ts";

/** How each system opens an address, the address behind it. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [file: string, ...args: string[]]>>> = {
  darwin: ["open"],
  // The first word in quotes would be a title.
  win32: ["cmd", "/c", "start", ""],
};

export interface Surroundings {
  readonly isTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Opens a page in the browser, if somebody sits there and the page is there. Whatever comes of it, the server goes on. */
export async function openPage(
  url: string,
  { isTerminal, env }: Surroundings = { isTerminal: process.stdout.isTTY === true, env: processEnvironment },
): Promise<void> {
  if (!isTerminal || (env.CI !== undefined && env.CI !== "" && env.CI !== "false")) return;
  const page = await fetch(url).catch(() => undefined);
  await page?.arrayBuffer().catch(() => {});
  if (page?.status !== 200) return;
  const [file, ...args] = OPENERS[process.platform] ?? ["xdg-open"];
  const child = spawn(file, [...args, url], { env, stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}
