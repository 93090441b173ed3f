// The scenarios that both task loops pass; test/python/test_scenarios.py runs the same files.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Hooks, LoopHarness, loadScenarioScript, scenarioFile } from "./loop-harness.ts";

type Step = Readonly<Record<string, unknown>>;

interface Scenario {
  readonly name: string;
  readonly rule: string;
  /** Default: it holds for one at a time and for several. */
  readonly concurrency?: number;
  readonly loops?: readonly ("sync" | "async" | "node")[];
  /** `whole`: what comes in one step comes in one read. Default: cut anywhere. */
  readonly cut?: "whole";
  /** The front wants the script's records. */
  readonly records?: boolean;
  readonly steps: readonly Step[];
  /** Requests that run() was called for, in order, by name. */
  readonly ran: readonly string[];
}

const DEADLINE_MS = 30_000;

const script = await loadScenarioScript();
const files = readdirSync(scenarioFile(".")).filter((name) => name.endsWith(".json"));

describe.each(files)("%s", (file) => {
  const scenarios = JSON.parse(readFileSync(scenarioFile(file), "utf8")) as Scenario[];
  const cases = scenarios
    .filter(({ loops }) => loops?.includes("node") ?? true)
    .flatMap((scenario) =>
      (scenario.concurrency === undefined ? [1, 4] : [scenario.concurrency]).flatMap((concurrency) =>
        (scenario.cut === "whole" ? [true] : [true, false]).map((whole) => ({ ...scenario, concurrency, whole })),
      ),
    );

  test.each(cases)("$rule: $name (concurrency $concurrency, whole $whole)", async (scenario) => {
    const run = new ScenarioRun(scenario.concurrency, scenario.whole, scenario.records);
    for (const step of scenario.steps) await run.take(step);
    await run.finish(scenario.ran);
  });
});

class ScenarioRun {
  readonly #hooks = new Hooks();
  readonly #harness: LoopHarness;
  readonly #whole: boolean;
  #at = 0;
  #asksToStop = false;

  constructor(concurrency: number, whole: boolean, records?: boolean) {
    this.#whole = whole;
    Object.assign(globalThis, { scenarioHooks: this.#hooks });
    this.#harness = new LoopHarness(script, concurrency, records);
    this.#hooks.note = (text) => {
      this.#hooks.noted.push(text);
      this.#harness.note(text);
    };
  }

  async take(step: Step): Promise<void> {
    const [[kind, value]] = Object.entries(step) as [[string, unknown]];
    const harness = this.#harness;
    switch (kind) {
      case "in":
        return this.#feed(value as string[]);
      case "out":
        for (const text of value as string[]) expect((await this.#next()).text).toBe(text);
        return;
      case "outAnyOrder": {
        const texts: string[] = [];
        for (const _ of value as string[]) texts.push((await this.#next()).text);
        expect(texts.sort()).toEqual([...(value as string[])].sort());
        return;
      }
      case "write": {
        const frames = [];
        for (const _ of value as string[]) frames.push(await this.#next());
        expect(frames.map(({ text }) => text)).toEqual(value);
        const { write } = frames[0]!;
        expect(harness.said.filter((frame) => frame.write === write)).toEqual(frames);
        return;
      }
      case "ends":
        while (!isEnd((await this.#next()).text, value as number));
        return;
      case "runs":
        return until(() => this.#hooks.ran.includes(value as string), `${value} to run`);
      case "closed":
        return until(() => this.#hooks.closedNames.includes(value as string), `${value} to be closed`);
      case "noted":
        return until(() => this.#hooks.noted.includes(value as string), `${value} to be noted`);
      case "turn":
        harness.turn();
        return;
      case "release":
        this.#hooks.release(value as string);
        return;
      case "clock":
        harness.clockMs += value as number;
        return;
      case "clockAt":
        harness.clockMs = value as number;
        return;
      case "afterBegun":
        harness.afterBegunMs = value as number;
        return;
      default:
        throw new Error(`no step ${kind}`);
    }
  }

  async finish(ran: readonly string[]): Promise<void> {
    if (!this.#asksToStop) await this.#feed(["STOP"]);
    await until(() => this.#harness.stopped > 0, "the loop to stop");
    await turns();
    expect(this.#harness.said.slice(this.#at).map(({ text }) => text)).toEqual([]);
    expect(this.#hooks.ran).toEqual(ran);
    expect(this.#harness.stopped).toBe(1);
  }

  async #feed(texts: readonly string[]): Promise<void> {
    this.#asksToStop ||= texts.includes("STOP");
    const bytes = Buffer.concat(texts.map((text) => this.#harness.encode(text)));
    if (this.#whole) this.#harness.feed(bytes);
    else for (const byte of bytes) this.#harness.feed(Buffer.of(byte));
    await turns();
  }

  async #next(): Promise<LoopHarness["said"][number]> {
    await until(() => this.#harness.said.length > this.#at, "a frame");
    return this.#harness.said[this.#at++]!;
  }
}

function isEnd(text: string, id: number): boolean {
  return [`RESULT ${id}`, `RESPONSE ${id} whole`, `END ${id}`].includes(text) || text.startsWith(`ERROR ${id} `);
}

async function until(isTrue: () => boolean, what: string): Promise<void> {
  const endAt = performance.now() + DEADLINE_MS;
  while (!isTrue()) {
    if (performance.now() > endAt) throw new Error(`waited in vain for ${what}`);
    await turns();
  }
}

/** Lets the event loop do what it has to do. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
