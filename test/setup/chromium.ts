// Debian's Chromium, without a window.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from "playwright-core";
import { DEADLINE_MS } from "./deadline.ts";
import { environment, prepareEnvironments } from "./environments.mjs";

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

/** A context that writes down what is never to happen: breaches of the policy, errors, requests to other hosts.
 *  @param origin of all that its pages may ask for   @param faults gets them */
export async function watchedContext(
  browser: Browser,
  origin: string,
  faults: string[],
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
  context.setDefaultTimeout(DEADLINE_MS);
  await context.exposeFunction("reportFault", (text: string) => faults.push(text));
  // As text: what a browser has is unknown to the types of the tests.
  await context.addInitScript(`document.addEventListener("securitypolicyviolation", (event) => {
    void globalThis.reportFault("policy " + event.violatedDirective + " " + event.blockedURI);
  });`);
  context.on("weberror", (error) => faults.push(`error ${error.error().message}`));
  context.on("request", (request) => {
    if (!request.url().startsWith(`${origin}/`)) faults.push(`request ${request.url()}`);
  });
  return context;
}
