// The control page in a real Chromium, against a real server.
import { writeFile } from "node:fs/promises";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { launchChromium, watchedContext } from "../../setup/chromium.ts";
import { until } from "../../setup/service.ts";
import { deploymentReport, endpointReport, type FakeEndpoint, startFakeEndpoint } from "./fake-endpoint.ts";

/** `SCREENSHOT=1 npx vitest run test/endpoint/page/chromium` makes the picture in docs anew. */
const SCREENSHOT = "docs/endpoint-page.png";
const MAX_SCREENSHOT_BYTES = 200_000;
/** Of a phone. */
const NARROW = { width: 360, height: 740 };

let browser: Browser;
let context: BrowserContext;
let page: Page;
let endpoint: FakeEndpoint;
/** What is never to happen: breaches of the policy, errors, requests to other hosts. */
let faults: string[];

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

beforeEach(async () => {
  endpoint = await startFakeEndpoint(endpointReport());
  faults = [];
  context = await watchedContext(browser, endpoint.origin, faults, { viewport: { width: 1200, height: 1000 } });
  page = await context.newPage();
});

afterEach(async () => {
  await context?.close();
  await endpoint?.close();
});

async function open(): Promise<void> {
  await page.goto(endpoint.address);
  await page.getByRole("heading", { name: "penguins" }).waitFor();
}

/** The report after the next one: what the test has changed before is in it. */
async function nextReport(): Promise<void> {
  for (let count = 0; count < 2; count++) {
    await page.waitForResponse((response) => response.url().endsWith("/api/report"));
  }
}

/** Whether a plot has pixels of the colour of a deployment. */
function hasLine(plot: number, series: number): Promise<boolean> {
  return page.evaluate(
    ([plotIndex, seriesIndex]) => {
      const probe = document.createElement("canvas").getContext("2d")!;
      probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--series-${seriesIndex}`);
      probe.fillRect(0, 0, 1, 1);
      const wanted = [...probe.getImageData(0, 0, 1, 1).data];
      const canvas = document.querySelectorAll<HTMLCanvasElement>("#plots canvas")[plotIndex]!;
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      for (let at = 0; at < data.length; at += 4) {
        if (wanted.every((part, index) => Math.abs(part - data[at + index]!) < 8)) return true;
      }
      return false;
    },
    [plot, series] as const,
  );
}

const traffic = (name: string) => page.getByRole("slider", { name, exact: true });
const percent = (name: string) => page.getByRole("spinbutton", { name: `percent of traffic for ${name}` });
const apply = () => page.getByRole("button", { name: "Apply" });

describe("what it shows", () => {
  test("deployments, plots and differences, with nothing from elsewhere and no breach of its policy", async () => {
    endpoint.report = endpointReport({
      deployments: [
        deploymentReport("blue"),
        deploymentReport("green", { isReady: false, whyNotReady: "init() raised KeyError: 'model'" }),
        deploymentReport("upstream", { workers: null }),
        deploymentReport("new", { state: "Creating", isReady: false }),
      ],
    });
    await open();
    const cells = (name: string): Promise<string[]> =>
      page
        .locator("#deployments tbody tr", { has: page.getByRole("rowheader", { name }) })
        .locator("th, td")
        .allTextContents();
    expect(await cells("blue")).toEqual([
      "blue",
      "Ready",
      "100 %",
      "–",
      "2",
      "3 idle, 1 busy",
      "1",
      "0",
      "18,423",
      "41.2",
      "0",
      "18.2",
      "38.9",
      "61.7",
    ]);
    const [, ...green] = await cells("green");
    expect(green.slice(0, 3)).toEqual(["Not readyinit() raised KeyError: 'model'", "0 %", "10 %"]);
    expect((await cells("upstream"))[5]).toBe("upstream");
    expect((await cells("new"))[1]).toBe("Creating");
    // All have the same figures: the last line lies on top.
    await until(() => hasLine(0, 3), "a line of the last deployment");
    expect(await hasLine(1, 3)).toBe(true);
    expect(await page.locator("#plots figure").count()).toBe(3);
    expect(await page.locator("#mirror-summary").textContent()).toBe(
      "1,842 copies to green · 1,838 compared · 37 different (2.01 %) · 2 dropped for lack of room",
    );
    endpoint.report = endpointReport({ mirror: null, deployments: [deploymentReport("blue")] });
    await nextReport();
    await page.getByText("No requests have been mirrored.").waitFor();
    expect(await page.locator("#deployments tbody tr").count()).toBe(1);
    expect(await page.locator("details").count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test("a breach of its policy would have been seen, and does nothing", async () => {
    await open();
    const blocked = await page.evaluate(() => {
      const script = document.createElement("script");
      try {
        script.textContent = "globalThis.hasRun = true";
        document.body.append(script);
      } catch {}
      return "hasRun" in globalThis;
    });
    expect(blocked).toBe(false);
    await until(() => faults.length > 0, "a breach is told");
    expect(faults[0]).toMatch(/^policy (?:script-src|require-trusted-types-for)/);
  });

  test("differences with both bodies side by side, as text, reached by the keyboard", async () => {
    await open();
    const kind = page.locator("details", { hasText: "status 200 -> 500" });
    await kind.locator("summary").focus();
    await page.keyboard.press("Enter");
    const bodies = kind.locator(".bodies pre");
    expect(await bodies.nth(0).textContent()).toContain('"probability": 0.9712');
    expect(await bodies.nth(1).textContent()).toBe('{"message": "<b>KeyError</b>: island"}');
    expect(await kind.locator("b").count()).toBe(0);
    const [left, right] = [await bodies.nth(0).boundingBox(), await bodies.nth(1).boundingBox()];
    expect(left!.y).toBe(right!.y);
    expect(left!.x + left!.width).toBeLessThan(right!.x);
    const numbers = page.locator("details", { hasText: "body $.prediction" });
    await numbers.locator("summary").click();
    expect(await numbers.locator("mark").allTextContents()).toEqual(["9712", "8836", "9712", "8836"]);
    // What is open stays so, and is counted on.
    const { mirror } = endpoint.report;
    endpoint.report = endpointReport({
      mirror: { ...mirror!, kinds: mirror!.kinds.map((found) => ({ ...found, count: found.count + 1 })) },
    });
    await numbers.getByText("35 ×").waitFor();
    expect(await numbers.getAttribute("open")).not.toBeNull();
    expect(await numbers.locator(".example").count()).toBe(2);
    expect(faults).toEqual([]);
  });

  test.each([
    ["light", "rgb(255, 255, 255)"],
    ["dark", "rgb(13, 17, 23)"],
  ] as const)("%s, plots too, and changes when the machine's scheme does", async (colorScheme, ground) => {
    await page.emulateMedia({ colorScheme });
    await open();
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(await background()).toBe(ground);
    await until(() => hasLine(0, 1), "a line of the second deployment");
    await page.emulateMedia({ colorScheme: colorScheme === "light" ? "dark" : "light" });
    expect(await background()).not.toBe(ground);
    await until(() => hasLine(0, 1), "the line in its other colour");
    expect(faults).toEqual([]);
  });

  test("on a narrow screen nothing but tables is wider than it", async () => {
    await page.setViewportSize(NARROW);
    await open();
    await page.locator("summary").first().click();
    await until(() => hasLine(2, 1), "a plot");
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(NARROW.width);
    expect(faults).toEqual([]);
  });

  test("every control has a name", async () => {
    await open();
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll("input, select, button, a, pre")]
        .filter((control) => {
          const labels = (control as HTMLInputElement).labels ?? [];
          return !control.getAttribute("aria-label") && labels.length === 0 && control.textContent === "";
        })
        .map(({ outerHTML }) => outerHTML),
    );
    expect(nameless).toEqual([]);
  });
});

describe("traffic", () => {
  test("is moved by the keyboard, adds up to 100, and is set when it is applied", async () => {
    await open();
    expect(await apply().isDisabled()).toBe(true);
    await traffic("green").focus();
    for (let count = 0; count < 10; count++) await page.keyboard.press("ArrowRight");
    expect(await traffic("blue").inputValue()).toBe("90");
    expect(await percent("green").inputValue()).toBe("10");
    // A draft outlasts reports, and what takes traffic is no shadow.
    await nextReport();
    expect(await percent("green").inputValue()).toBe("10");
    expect(await page.getByLabel("Mirror to").inputValue()).toBe("");
    expect(await page.getByLabel("Mirror to").locator("option").allTextContents()).toEqual(["nobody"]);
    expect(endpoint.changes).toEqual([]);
    await page.keyboard.press("Tab");
    await percent("green").press("Enter");
    await page.getByText("Applied: traffic blue 90 %, green 10 %; mirror none").waitFor();
    expect(endpoint.changes).toEqual([{ traffic: { blue: 90, green: 10 }, mirrorTraffic: {} }]);
    await page.locator("#deployments").getByText("90 %").waitFor();
    expect(await apply().isDisabled()).toBe(true);
    expect(faults).toEqual([]);
  });

  test("is typed in, mirrored, undone", async () => {
    await open();
    await percent("blue").fill("70");
    await percent("blue").press("Tab");
    expect(await traffic("green").inputValue()).toBe("30");
    await page.getByRole("button", { name: "Undo" }).click();
    expect(await traffic("green").inputValue()).toBe("0");
    expect(await page.getByLabel("Mirror to").inputValue()).toBe("green");
    await page.getByLabel("percent mirrored").fill("99");
    await page.getByLabel("percent mirrored").press("Tab");
    expect(await page.getByLabel("percent mirrored").inputValue()).toBe("50");
    await apply().click();
    await page.getByText("mirror green 50 %").waitFor();
    expect(endpoint.changes).toEqual([{ traffic: { blue: 100, green: 0 }, mirrorTraffic: { green: 50 } }]);
  });

  test("that is refused stays a draft, with the reason, and can be tried again", async () => {
    await open();
    endpoint.refusal = "green is not ready";
    await percent("green").fill("20");
    await percent("green").press("Tab");
    await apply().click();
    await page.getByRole("alert").getByText("Not applied: green is not ready").waitFor();
    expect(await percent("green").inputValue()).toBe("20");
    await apply().click();
    await page.getByText("Applied: traffic blue 80 %, green 20 %").waitFor();
    expect(await page.getByRole("alert").isVisible()).toBe(false);
    expect(endpoint.changes).toHaveLength(1);
  });

  test("follows a deployment that comes or goes", async () => {
    await open();
    await percent("green").fill("20");
    await percent("green").press("Tab");
    endpoint.report = endpointReport({ deployments: ["blue", "green", "red"].map((name) => deploymentReport(name)) });
    await traffic("red").waitFor();
    expect(await percent("blue").inputValue()).toBe("100");
    expect(await apply().isDisabled()).toBe(true);
    endpoint.report = endpointReport({ deployments: [deploymentReport("blue")], mirror: null, mirrorTraffic: {} });
    await traffic("red").waitFor({ state: "detached" });
    expect(await page.getByRole("slider").count()).toBe(1);
    expect(faults).toEqual([]);
  });
});

describe("the token", () => {
  test("leaves the address bar, and lasts as long as the tab", async () => {
    await open();
    expect(page.url()).toBe(`${endpoint.origin}/`);
    await page.reload();
    await page.getByRole("heading", { name: "penguins" }).waitFor();
    const other = await context.newPage();
    await other.goto(endpoint.origin);
    await other.getByText("The token is missing or wrong").waitFor();
  });

  test("that is wrong shows nothing but that", async () => {
    await page.goto(`${endpoint.origin}/#token=wrong`);
    await page
      .getByText("The token is missing or wrong: open the address that `scorefn online-endpoint open` prints.")
      .waitFor();
    expect(await page.locator("main").isVisible()).toBe(false);
    expect(faults).toEqual([]);
  });
});

test("an endpoint that is away is told of, and shown again when it is back", async () => {
  await open();
  await context.setOffline(true);
  await page.getByText("the endpoint does not answer; trying again").waitFor();
  expect(await page.locator("#deployments").isVisible()).toBe(true);
  await context.setOffline(false);
  await page.getByRole("status").getByText("Live").waitFor();
  expect(faults).toEqual([]);
});

test("the picture in docs is small", async () => {
  let reports = 0;
  endpoint.beforeReport = () => {
    const at = reports++;
    const wave = (size: number, every: number): number => size * Math.sin(at / every) + ((at * 7919) % 13) / 13;
    const figures = (name: string, rate: number, ms: number, errorRate: number) => {
      const made = deploymentReport(name);
      const latencyMs = {
        ...made.figures.latencyMs,
        p50: ms + wave(0.6, 9),
        p95: 2 * ms + wave(1.1, 7),
        p99: 3 * ms + wave(2.2, 5),
      };
      const instances = name === "blue" ? 2 : 1;
      return deploymentReport(name, {
        instances,
        figures: {
          ...made.figures,
          requests: Math.round(at * rate + 9_000),
          rate: rate + wave(3, 11),
          errorRate,
          latencyMs,
        },
      });
    };
    const traffic = { blue: 90, green: 10 };
    endpoint.report = endpointReport({
      traffic,
      mirrorTraffic: {},
      deployments: [figures("blue", 86.4, 18.1, 0), figures("green", 11.2, 13.9, at % 37 < 3 ? 0.2 : 0)],
    });
  };
  await page.clock.install({ time: new Date("2026-11-26T09:30:00Z") });
  await page.setViewportSize({ width: 1120, height: 1480 });
  await open();
  for (let second = 0; second < 120; second++) {
    const answered = page.waitForResponse((response) => response.url().endsWith("/api/report"));
    await page.clock.runFor(1_000);
    await answered;
  }
  await page.locator("summary").first().click();
  await until(() => hasLine(0, 0), "plots");
  const picture = await page.screenshot({ type: "png" });
  expect(picture.length).toBeLessThan(MAX_SCREENSHOT_BYTES);
  if (process.env.SCREENSHOT) await writeFile(packageFile(SCREENSHOT), picture);
  expect(faults).toEqual([]);
});
