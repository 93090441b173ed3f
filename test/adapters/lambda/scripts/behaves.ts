// Does what the request says.
import { setTimeout as delay } from "node:timers/promises";

let runs = 0;

export function init(): void {}

export function run(data: string): unknown {
  runs++;
  if (data === "hang") return new Promise(() => {});
  if (data === "count") return runs;
  if (data === "ticks") return ticks();
  if (data === "forget") return forget();
  if (data === "fail") throw new RangeError("on request");
  return data;
}

/** Leaves a promise behind that rejects before the answer is there. */
async function forget(): Promise<string> {
  void Promise.reject(new RangeError("forgotten"));
  await delay(20);
  return "forget";
}

async function* ticks(): AsyncGenerator<string> {
  yield "first";
  await delay(1_000);
  yield "second";
}
