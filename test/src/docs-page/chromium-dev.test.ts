// The page of a real `scorefn dev` in a real Chromium, while the script is edited.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { type Edited, edited } from "../../adapters/http/edited.ts";
import { launchChromium, watchedContext } from "../../setup/chromium.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { PENGUINS } from "./page-server.ts";

const DEV = [packageFile("dist/adapters/cli/scorefn.js"), "dev"];
/** Nobody asks for the page, nor for more of failures: both are what the command does by itself. */
const PLAIN = { SCOREFN_ERROR_DETAIL: undefined };

/** The script with another example. */
const island = (name: string): string => PENGUINS.replace("Dream", name);
const BROKEN = PENGUINS.replace("export const run = schema(", "export const run = = schema(");
const RAISES = "export function init() {\n  throw new RangeError('no model');\n}\nexport function run() {}\n";

let browser: Browser;
let context: BrowserContext | undefined;
let page: Page;
/** What is never to happen: breaches of the policy, errors, requests to other hosts. */
let faults: string[];

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());
afterEach(() => context?.close());

async function open(script: string, args: readonly string[] = []): Promise<Edited> {
  const server = await edited("score.ts", { "score.ts": script }, { command: DEV, env: PLAIN, args });
  await server.waitReady("/docs");
  faults = [];
  context = await watchedContext(browser, server.url, faults);
  page = await context.newPage();
  await page.goto(`${server.url}/docs`);
  return server;
}

const reloadAlert = () => page.locator("#reload");
const notReady = () => page.locator("#not-ready");
const ready = () => page.getByText("Ready", { exact: true }).waitFor();
const exampleHas = (text: string) =>
  expect
    .poll(() => page.getByLabel("Text of the body").inputValue(), { timeout: DEADLINE_MS })
    .toContain(JSON.stringify(text));
/** What the description has for the operation's body. */
const descriptionForm = () => page.locator("#description .opblock-post textarea").first();
const descriptionHas = (text: string) =>
  expect.poll(() => descriptionForm().inputValue(), { timeout: DEADLINE_MS }).toContain(JSON.stringify(text));
async function answers(text: string): Promise<void> {
  await page.getByRole("button", { name: "Send to /score" }).click();
  await page.locator("#body").getByText(text, { exact: true }).waitFor();
}

test("a broken edit is shown with its frame while the version before answers; a mended one has its own description", async () => {
  const server = await open(PENGUINS);
  await exampleHas("Dream");
  await page.locator("#description .opblock-post .opblock-summary-control").click();
  await descriptionHas("Dream");
  await ready();

  await server.write("score.ts", BROKEN);
  await reloadAlert().getByText("The last edit does not load; what ran before still does").waitFor();
  const line = BROKEN.split("\n").findIndex((text) => text.includes("= =")) + 1;
  expect(await reloadAlert().locator(".place").textContent()).toMatch(new RegExp(`score\\.ts:${line}(?::\\d+)?$`));
  expect(await reloadAlert().locator(".frame").textContent()).toContain(`> ${line} | export const run = = schema(`);
  await ready();
  expect(await notReady().isVisible()).toBe(false);
  await answers("[44.5]");

  await server.write("score.ts", island("Torgersen"));
  await reloadAlert().waitFor({ state: "hidden" });
  await exampleHas("Torgersen");
  await descriptionHas("Torgersen");
  await answers("[48.5]");

  // With no failure in between there is only another version.
  await server.write("score.ts", island("Biscoe"));
  await exampleHas("Biscoe");
  await descriptionHas("Biscoe");
  await answers("[45.5]");

  // What somebody has typed into it stays.
  const typed = '{"penguins": []}';
  await descriptionForm().fill(typed);
  await server.write("score.ts", PENGUINS);
  await exampleHas("Dream");
  expect(await descriptionForm().inputValue()).toBe(typed);
  expect(faults).toEqual([]);
  expect(await server.stop()).toBe(0);
});

test("a script that does not load from the start is told of once, with its frame, until an edit mends it", async () => {
  const server = await open(RAISES);
  await notReady().getByText("The script cannot be called").waitFor();
  await notReady().getByText("no model").first().waitFor();
  expect(await notReady().locator(".frame").textContent()).toMatch(/^> 2 \| .*RangeError/m);
  // Nothing ran before.
  expect(await reloadAlert().isVisible()).toBe(false);

  await server.write("score.ts", PENGUINS);
  await ready();
  await notReady().waitFor({ state: "hidden" });
  await exampleHas("Dream");
  await answers("[44.5]");
  expect(faults).toEqual([]);
  expect(await server.stop()).toBe(0);
});

test("a broken edit is told of where the server keeps the reason to itself, too", async () => {
  const server = await open(PENGUINS, ["--error_detail", "none"]);
  await ready();
  await server.write("score.ts", BROKEN);
  await reloadAlert().getByText("--error_detail location shows it here").waitFor();
  expect(await reloadAlert().textContent()).not.toContain("score.ts");
  expect(faults).toEqual([]);
  expect(await server.stop()).toBe(0);
});
