// The page to try a script with in a real Chromium, against a real server and script.
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { launchChromium, watchedContext } from "../../setup/chromium.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { until } from "../../setup/service.ts";
import { type PageOptions, type PageServer, PENGUINS, RAW, startPageServer } from "./page-server.ts";

/** `SCREENSHOT=1 npx vitest run test/src/docs-page/chromium` makes the picture in docs anew. */
const SCREENSHOT = "docs/docs-page.png";
const MAX_SCREENSHOT_BYTES = 60_000;
/** Of a phone. */
const NARROW = { width: 360, height: 740 };
/** What a browser says of answers that a test has asked for. */
const EXPECTED_ERROR =
  /^Failed to load resource: the server responded with a status of (?:400|404|500|503) |ERR_INCOMPLETE_CHUNKED/;

let browser: Browser;
let context: BrowserContext;
let page: Page;
let server: PageServer;
/** What is never to happen: breaches of the policy, errors, requests to other hosts. */
let faults: string[];

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());
afterEach(async () => {
  await context?.close();
  await server?.close();
});

async function open(options: Partial<PageOptions> = {}): Promise<void> {
  server = await startPageServer({ script: PENGUINS, ...options });
  faults = [];
  context = await watchedContext(browser, server.origin, faults, { viewport: { width: 1100, height: 900 } });
  context.on("console", (message) => {
    if (message.type() === "error" && !EXPECTED_ERROR.test(message.text())) faults.push(`console ${message.text()}`);
  });
  page = await context.newPage();
  await page.goto(server.address);
}

const sendButton = () => page.getByRole("button", { name: "Send to /score" });
const answered = (text: string | RegExp) => page.locator("#answer-state").getByText(text).waitFor();
const described = () => page.locator("#description .opblock").first().waitFor();
/** Sends a request by the description's own form. */
async function executed(): Promise<void> {
  const operation = page.locator("#description .opblock-post");
  await operation.locator(".opblock-summary-control").click();
  await operation.getByRole("button", { name: "Execute" }).click();
  await operation.locator(".live-responses-table .response-col_status", { hasText: "200" }).waitFor();
}
const lastScore = () => server.requests.filter(({ path }) => path === "/score").at(-1)!;
const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("a request", () => {
  test("has the example filled in, and its answer is shown as it is", async () => {
    await open();
    await described();
    expect(JSON.parse(await page.getByLabel("Text of the body").inputValue())).toEqual({
      penguins: [{ island: "Dream", bill: 39.5 }],
    });
    await sendButton().click();
    await answered(/^200 in /);
    expect(await page.locator("#body").textContent()).toBe("[44.5]");
    expect(await page.locator("#header-list").textContent()).toContain("x-ms-run-fn-exec-ms");
    expect(await page.locator("#name").textContent()).toBe("ML service");
    await page.getByText("Ready", { exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  test("can be sent by the description's own form, too", async () => {
    await open();
    await executed();
    expect(JSON.parse(Buffer.from(lastScore().body).toString())).toEqual({
      penguins: [{ island: "Dream", bill: 39.5 }],
    });
    expect(faults).toEqual([]);
  });

  test("of a file arrives byte by byte", async () => {
    const bytes = randomBytes(300_000);
    await open({ script: RAW });
    await page.getByLabel("File", { exact: true }).check();
    await sendButton().click();
    await answered("Not sent: choose a file first");
    await page.locator("#file").setInputFiles({ name: "a b.bin", mimeType: "image/png", buffer: bytes });
    await page.getByText("Headers and query").click();
    await page.getByLabel("Query, behind the ?").fill("?a=1&b=%20");
    await page.getByLabel("Headers of every request").fill("x-own: yes: it is\n\n");
    await sendButton().click();
    await answered(/^200 in /);
    expect(JSON.parse((await page.locator("#body").textContent())!)).toEqual({
      type: "application/octet-stream",
      query: "a=1&b=%20",
      own: "yes: it is",
      body: sha(bytes),
    });
    await page.getByLabel("Headers of every request").fill("no header");
    await sendButton().click();
    await answered("Not sent: no header is no header: write Name: value");
    expect(faults).toEqual([]);
  });

  test("of a form has its files and texts", async () => {
    const bytes = randomBytes(70_000);
    await open({ script: RAW });
    await page.getByLabel("Form", { exact: true }).check();
    await page.getByLabel("file of the part").setInputFiles({ name: "ü.bin", mimeType: "", buffer: bytes });
    await page.getByRole("button", { name: "Add a text" }).click();
    await page.getByLabel("name of the part").last().fill("kind");
    await page.getByLabel("text of the part").fill("bird");
    await page.getByRole("button", { name: "Add a file" }).click();
    await page.getByRole("button", { name: "remove the part" }).last().click();
    await sendButton().click();
    await answered(/^200 in /);
    expect(JSON.parse((await page.locator("#body").textContent())!)).toEqual([
      ["file", ["ü.bin", sha(bytes)]],
      ["kind", "bird"],
    ]);
    expect(faults).toEqual([]);
  });
});

describe("a stream", () => {
  test.each(["text/event-stream", "text/plain; charset=utf-8"])("of %s is shown as it arrives", async (type) => {
    await open({ script: RAW });
    await page.getByText("Headers and query").click();
    await page.getByLabel("Query, behind the ?").fill(`stream=${encodeURIComponent(type)}`);
    await sendButton().click();
    await page.locator("#pieces li").getByText("data: first").waitFor();
    // The script has not gone on, and so the answer is not over.
    await answered("200, receiving…");
    expect(await page.locator("#pieces li").count()).toBe(1);
    writeFileSync(join(server.folder, "go"), "");
    await page.locator("#pieces li").getByText("data: secönd").waitFor();
    await answered(/^200 in .* 2 pieces, the first after [\d,]+ ms$/);
    expect(await page.locator("#pieces .time").allTextContents()).toEqual([
      expect.stringMatching(/^[\d,]+ ms$/),
      expect.stringMatching(/^[\d,]+ ms$/),
    ]);
    expect(faults).toEqual([]);
  });

  test("that fails midway says so, and keeps what came", async () => {
    await open({ script: RAW });
    await page.getByText("Headers and query").click();
    await page.getByLabel("Query, behind the ?").fill("stream=text/event-stream&fail");
    await sendButton().click();
    await page.locator("#pieces li").first().waitFor();
    writeFileSync(join(server.folder, "go"), "");
    await page.getByRole("alert").getByText("The answer ended before it was complete").waitFor();
    expect(await page.locator("#pieces").textContent()).toContain("data: first");
    expect(faults).toEqual([]);
  });

  test("can be stopped, and another request sent", async () => {
    await open({ script: RAW });
    await page.getByText("Headers and query").click();
    await page.getByLabel("Query, behind the ?").fill("stream=text/event-stream");
    await sendButton().click();
    await page.locator("#pieces li").first().waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await answered(/not complete$/);
    // The worker is free once the script sees that nobody listens.
    writeFileSync(join(server.folder, "go"), "");
    await page.getByLabel("Query, behind the ?").fill("");
    await sendButton().click();
    await answered(/^200 in [\d,]+ ms, [\d,]+ bytes$/);
    expect(faults).toEqual([]);
  });
});

describe("what goes wrong", () => {
  const FAILS = `export function init() {}
export function run(data: string) {
  return JSON.parse(data).rows.map((row: number[]) => row[0]!);
}
`;

  test("in run() is shown with its place", async () => {
    await open({ script: FAILS });
    await sendButton().click();
    await answered(/^500 in /);
    const alert = page.locator("#failure");
    await alert.getByText("score.ts:3").waitFor();
    const text = await alert.textContent();
    expect(text).toContain("TypeError: Cannot read properties of undefined (reading 'map')");
    expect(text).toContain("> 3 | return JSON.parse(data).rows.map(");
    expect(faults).toEqual([]);
  });

  test("in run() of a server that keeps the place to itself: what shows it", async () => {
    await open({ script: FAILS, env: { SCOREFN_ERROR_DETAIL: "none" } });
    await sendButton().click();
    await page.locator("#failure").getByText("--error_detail location").waitFor();
    expect(await page.locator("#failure").textContent()).not.toContain("score.ts");
  });

  test("a script that does not load: the reason, from the ready path", async () => {
    await open({
      script: "export function init() {\n  throw new RangeError('no model');\n}\nexport function run() {}\n",
    });
    await page.getByText("The script cannot be called").first().waitFor();
    const alert = page.locator("#not-ready");
    await alert.getByText("score.ts:2").waitFor();
    expect(await alert.textContent()).toContain("no model");
    await page.getByText("There is no description to show").waitFor();
    expect(faults).toEqual([]);
  });

  test.each<[body: string, shown: RegExp, status?: number]>([
    ["<h1>no</h1>", /swagger\.json is not JSON/],
    ['{"a": NaN}', /swagger\.json is not JSON/],
    ["[1]", /has no member openapi or swagger/],
    ["null", /has no member openapi or swagger/],
    ['{"openapi": "3.0.3", "paths": 1}', /has no member openapi or swagger/],
    ['{"message": "Swagger version [3] is not supported"}', /Swagger version \[3\] is not supported/, 404],
    ["", /the server answers 500/, 500],
  ])("a description that is %j has its reason, and requests can be sent", async (body, shown, status = 200) => {
    server = await startPageServer({ script: PENGUINS });
    server.instead.set("/swagger.json", { status, body });
    faults = [];
    context = await watchedContext(browser, server.origin, faults);
    page = await context.newPage();
    await page.goto(server.address);
    await page.locator("#document-problem").getByText(shown).waitFor();
    expect(
      await page.locator("#document-problem *").evaluateAll((all) => all.filter((one) => one.tagName === "H1")),
    ).toEqual([]);
    await page.getByLabel("Text of the body").fill('{"penguins": []}');
    await sendButton().click();
    await answered(/^200 in /);
    expect(await page.locator("#body").textContent()).toBe("[]");
    // It has been mended.
    server.instead.clear();
    await page.evaluate(() => dispatchEvent(new Event("focus")));
    await described();
    expect(await page.locator("#document-problem").isVisible()).toBe(false);
    expect(faults).toEqual([]);
  });

  test("a script that declares nothing has an empty example", async () => {
    await open({ script: "export function init() {}\nexport const run = (data: string) => JSON.parse(data);\n" });
    await described();
    expect(await page.getByLabel("Text of the body").inputValue()).toBe("{}");
    await sendButton().click();
    await answered(/^200 in /);
    expect(faults).toEqual([]);
  });

  test("a header that is still being typed does not stop the page from asking, and is not sent", async () => {
    await open();
    await page.getByText("Ready", { exact: true }).waitFor();
    await page.getByText("Headers and query").click();
    await page.getByLabel("Headers of every request").fill("x-own: 1\nAuthoriz");
    const asked = () =>
      server.requests.filter(({ path, headers }) => path === "/docs/ready" && headers["x-own"] === "1");
    await until(() => asked().length >= 2, "the page asks again");
    expect(await page.locator("#state").textContent()).toBe("Ready");
    for (const wrong of ["Authoriz", "a b: c", "x-own: \u{1F427}"]) {
      await page.getByLabel("Headers of every request").fill(wrong);
      await sendButton().click();
      await answered(`Not sent: ${wrong} is no header: write Name: value`);
    }
    expect(faults).toEqual([]);
  });

  test("a server that has gone is told of, and so is that it is back", async () => {
    await open();
    await described();
    await context.setOffline(true);
    await page.getByText("the server does not answer; trying again").waitFor();
    await sendButton().click();
    await page.locator("#failure").getByText("No answer").waitFor();
    await context.setOffline(false);
    await page.getByText("Ready", { exact: true }).waitFor();
    await sendButton().click();
    await answered(/^200 in /);
  });
});

describe("the author's own description", () => {
  const own = (more: object) => ({
    openapi: "3.0.3",
    info: { title: "Penguins", version: "7" },
    servers: [{ url: "https://elsewhere.example/v1" }],
    paths: {
      "/score": {
        post: {
          requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/In" }, ...more } } },
          responses: { 200: { description: "fine" } },
        },
      },
    },
    components: { schemas: { In: { type: "object", properties: { penguins: { type: "array", example: [] } } } } },
  });

  test.each<[name: string, more: object, example: object]>([
    ["by a schema", {}, { penguins: [] }],
    ["by an example", { example: { penguins: [1] } }, { penguins: [1] }],
    ["by a named example", { examples: { one: { value: { penguins: [2] } } } }, { penguins: [2] }],
  ])("comes before a generated one, gives the example %s, and sends here", async (_name, more, example) => {
    await open({ files: { "swagger3.json": JSON.stringify(own(more)) } });
    await page.locator("#name").getByText("Penguins").waitFor();
    await described();
    expect(JSON.parse(await page.getByLabel("Text of the body").inputValue())).toEqual(example);
    expect(await page.locator("#description .servers").textContent()).toContain(server.origin);
    expect(faults).toEqual([]);
  });
});

test("behind a proxy with a prefix, which the description has too, requests find their way", async () => {
  await open({ prefix: "/api/v1", env: { SERVICE_PATH_PREFIX: "api/v1" } });
  await described();
  await sendButton().click();
  await answered(/^200 in /);
  await executed();
  expect(server.requests.filter(({ path }) => path === "/not-here")).toEqual([]);
  expect(faults).toEqual([]);
});

test("a prefix in the description that nobody adds is left out (SW-9)", async () => {
  await open({ env: { SERVICE_PATH_PREFIX: "api/v1" } });
  await executed();
  expect(faults).toEqual([]);
});

test("a key in the address goes along as a header, and leaves the page's own files alone", async () => {
  await open();
  await page.goto(`${server.address}?code=secret`);
  await described();
  await sendButton().click();
  await answered(/^200 in /);
  expect(lastScore().headers["x-functions-key"]).toBe("secret");
  expect(lastScore().query).toBe("");
  expect(server.requests.filter(({ path, query }) => path !== "/docs" && query.includes("secret"))).toEqual([]);
});

test("another description leaves what somebody has typed", async () => {
  await open();
  await described();
  await page.getByLabel("Text of the body").fill('{"penguins": [], "mine": 1}');
  const next = { openapi: "3.0.3", info: { title: "Next", version: "2" }, paths: {} };
  server.instead.set("/swagger.json", { status: 200, body: JSON.stringify(next) });
  await page.evaluate(() => dispatchEvent(new Event("focus")));
  await page.locator("#name").getByText("Next").waitFor();
  expect(await page.getByLabel("Text of the body").inputValue()).toBe('{"penguins": [], "mine": 1}');
  await page.getByRole("button", { name: "Example" }).click();
  expect(await page.getByLabel("Text of the body").inputValue()).toBe("{}");
});

describe("for everybody", () => {
  /** Contrast of WCAG 2. */
  const contrast = (selector: string) =>
    page.evaluate((wanted) => {
      const channels = (colour: string) => [...colour.matchAll(/[\d.]+/g)].slice(0, 3).map(Number);
      const light = (colour: string) => {
        const [red, green, blue] = channels(colour).map((value) => {
          const part = value / 255;
          return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
      };
      let ground: Element | null = document.querySelector(wanted)!;
      const { color } = getComputedStyle(ground);
      while (ground !== null && /rgba\(.*, 0\)/.test(getComputedStyle(ground).backgroundColor))
        ground = ground.parentElement;
      const [one, other] = [light(color), light(getComputedStyle(ground ?? document.body).backgroundColor)];
      return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    }, selector);

  test.each([
    ["light", "rgb(255, 255, 255)", false],
    ["dark", "rgb(13, 17, 23)", true],
  ] as const)(
    "%s, the description too, and changes when the machine's scheme does",
    async (colorScheme, ground, isDark) => {
      await open({ env: { SCOREFN_ERROR_DETAIL: "none" } });
      await page.emulateMedia({ colorScheme });
      await described();
      const seen = () =>
        page.evaluate(() => [
          getComputedStyle(document.body).backgroundColor,
          document.documentElement.classList.contains("dark-mode"),
        ]);
      // The page hears of another scheme with the next picture that is drawn.
      await expect.poll(seen, { timeout: DEADLINE_MS }).toEqual([ground, isDark]);
      await page.getByLabel("Text of the body").fill("no JSON");
      await sendButton().click();
      await page.locator("#failure .title").waitFor();
      for (const selector of [
        "#state",
        "#send",
        "#text",
        "label",
        "#failure .title",
        "#failure p",
        "#answer-state",
        "#body",
      ]) {
        expect([selector, (await contrast(selector)) >= 4.5]).toEqual([selector, true]);
      }
      await page.emulateMedia({ colorScheme: isDark ? "light" : "dark" });
      await expect.poll(async () => (await seen())[1], { timeout: DEADLINE_MS }).toBe(!isDark);
      expect(faults).toEqual([]);
    },
  );

  test("every control of ours has a name, and a request is sent by the keyboard", async () => {
    await open();
    await described();
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll("#request input, #request textarea, #request button, a.skip, pre, summary")]
        .filter((control) => {
          const labels = (control as HTMLInputElement).labels ?? [];
          return !control.getAttribute("aria-label") && labels.length === 0 && control.textContent === "";
        })
        .map(({ outerHTML }) => outerHTML),
    );
    expect(nameless).toEqual([]);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator("#request:focus").waitFor();
    await page.getByLabel("Text of the body").press("Control+Enter");
    await answered(/^200 in /);
    expect(faults).toEqual([]);
  });

  test("on a narrow screen our part is no wider than it", async () => {
    await open();
    await page.setViewportSize(NARROW);
    await described();
    await sendButton().click();
    await answered(/^200 in /);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(NARROW.width);
  });
});

test("a breach of its policy would have been seen, and does nothing", async () => {
  await open();
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "globalThis.hasRun = true";
    document.body.append(script);
    return "hasRun" in globalThis;
  });
  expect(ran).toBe(false);
  await until(() => faults.some((fault) => fault.startsWith("policy script-src")), "a breach is told");
});

test("its files are fetched once, the page each time", async () => {
  await open();
  await described();
  const before = server.requests.length;
  await page.reload();
  await described();
  const again = server.requests.slice(before).map(({ path }) => path);
  expect(again).toContain("/docs");
  // The icon comes when the browser finds the time, which may be after the first picture; the state is no file.
  const others = ["/docs/icon.svg", "/docs/ready"];
  expect(again.filter((path) => path.startsWith("/docs/") && !others.includes(path))).toEqual([]);
});

test("the picture in docs is small", async () => {
  await open();
  await page.setViewportSize({ width: 1000, height: 700 });
  await described();
  await sendButton().click();
  await answered(/^200 in /);
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  const picture = await page.screenshot({ type: "png" });
  expect(picture.length).toBeLessThan(MAX_SCREENSHOT_BYTES);
  if (process.env.SCREENSHOT) await writeFile(packageFile(SCREENSHOT), picture);
  expect(faults).toEqual([]);
});
