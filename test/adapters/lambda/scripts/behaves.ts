// Does what the request says.
import { setTimeout as delay } from "node:timers/promises";

let runs = 0;

export function init(): void {}

export function run(data: string): unknown {
  runs++;
  if (data === "hang") return new Promise(() => {});
  if (data === "count") return runs;
  if (data === "ticks") return ticks();
  if (data === "fail") throw new RangeError("on request");
  return data;
}

async function* ticks(): AsyncGenerator<string> {
  yield "first";
  await delay(1_000);
  yield "second";
}
