// One measurement in a process of its own: `requests TRANSPORT COUNT` or `concurrent TRANSPORT COUNT`.
import { createRequire } from "node:module";
import { installCore, loadApp } from "../dist/packaging/azure-functions/local-host.js";

installCore();
createRequire(import.meta.url)("@azure/functions");

const [what, transport, count] = process.argv.slice(2);
process.env.SCOREFN_FUNCTIONS_HTTP_STREAM = String(transport === "streaming");
console.log = () => {};

let inits = 0;
const script = {
  init() {
    inits++;
    return new Promise((resolve) => setTimeout(resolve, 20));
  },
  run: (data) => ({ n: JSON.parse(data).data.length }),
};
const app = await loadApp(async () => {
  const { inProcess } = await import("../dist/adapters/azure/service.js");
  const { register } = await import("../dist/functions/register.js");
  register({
    built: { appRoot: "/", entryScript: "score.js", modelDir: null },
    createRuntime: inProcess(async () => script),
  });
  (await import("./azure-hand-written.mjs")).register();
});
const body = JSON.stringify({
  data: [Array.from({ length: 10 }, (_, n) => n), Array.from({ length: 10 }, (_, n) => n)],
});
const headers = [["content-type", "application/json"]];
const post = (target) => app.send({ target, headers, body });

/** @returns milliseconds */
async function time(target) {
  const startedAt = performance.now();
  const { status } = await post(target);
  const took = performance.now() - startedAt;
  if (status !== 200) throw new Error(`${target} answered ${status}`);
  return took;
}

function percentiles(times) {
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.floor(times.length * share)] * 1_000;
  return { p50: at(0.5), p99: at(0.99) };
}

let result;
if (what === "concurrent") {
  const answers = await Promise.all(Array.from({ length: Number(count) }, () => post("/score")));
  result = { inits, answered: answers.filter(({ status }) => status === 200).length };
} else {
  await app.start();
  const times = { scorefn: [], handWritten: [], added: [] };
  for (let request = 0; request < Number(count); request++) {
    // In turn, so that whatever else the machine does falls on both.
    const own = await time("/score");
    const other = await time("/hand-written");
    app.logged.length = 0;
    // The first quarter is for the compiler.
    if (request < count / 4) continue;
    times.scorefn.push(own);
    times.handWritten.push(other);
    times.added.push(own - other);
  }
  result = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, percentiles(list)]));
}
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
