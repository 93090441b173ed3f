// Debian's Chromium, without a window.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { environment, prepareEnvironments } from "../../setup/environments.mjs";

/** Downloads it first where it is not there yet. */
export async function launchChromium(): Promise<Browser> {
  await prepareEnvironments({ names: ["chromium"] });
  const found = environment("chromium");
  if ("unavailable" in found) throw new Error(found.unavailable);
  const libraries = join(found.directory, "usr/lib");
  const [forThisMachine] = readdirSync(libraries).filter((name) => name.endsWith("-linux-gnu"));
  const folders = [forThisMachine!, join(forThisMachine!, "pulseaudio")].map((folder) => join(libraries, folder));
  return chromium.launch({
    executablePath: join(libraries, "chromium/chromium"),
    env: { ...process.env, LD_LIBRARY_PATH: folders.join(":") } as Record<string, string>,
  });
}
