// One handler, measured in a process of its own: prints p50 and p99 of an invocation in µs, as JSON.
import { openSync, writeSync } from "node:fs";
import { scoreEvent } from "../dist/packaging/aws-lambda/invoke.js";

const WARM_UP = 20_000;
const CALLS = Number(process.env.BENCH_CALLS ?? 60_000);

const BODY = JSON.stringify({ data: [1, 2, 3, 4] });
const sum = (text) => ({ sum: JSON.parse(text).data.reduce((total, value) => total + value, 0) });
const context = { getRemainingTimeInMillis: () => 30_000, awsRequestId: "id", callbackWaitsForEmptyEventLoop: false };

/** An event as it comes: a new object for each call. */
const EVENT_TEXT = JSON.stringify({
  ...scoreEvent(Buffer.from(BODY)),
  body: BODY,
  isBase64Encoded: false,
  headers: { "content-type": "application/json", "content-length": String(BODY.length), host: "example.test" },
});

const MAKERS = {
  "by hand": async () => byHand,
  scorefn: ours,
  "@fastify/aws-lambda": withFastify,
  "@vendia/serverless-express": withExpress,
};

const handler = await MAKERS[process.argv[2]]();
console.log(JSON.stringify(await measure(handler)));
process.exit();

async function measure(handler) {
  for (let call = 0; call < WARM_UP; call++) await handler(JSON.parse(EVENT_TEXT), context);
  const times = new Float64Array(CALLS);
  for (let call = 0; call < CALLS; call++) {
    const event = JSON.parse(EVENT_TEXT);
    const from = process.hrtime.bigint();
    const result = await handler(event, context);
    times[call] = Number(process.hrtime.bigint() - from) / 1_000;
    if (result.statusCode !== 200) throw new Error(JSON.stringify(result));
  }
  times.sort();
  return [times[Math.floor(CALLS * 0.5)], times[Math.floor(CALLS * 0.99)]];
}

async function byHand(event) {
  const body = event.isBase64Encoded ? Buffer.from(event.body, "base64").toString() : event.body;
  return { statusCode: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(sum(body)) };
}

/** With its log, which goes where nobody reads it. */
async function ours() {
  const { createHandler, inProcess, startService } = await import("../dist/adapters/lambda/index.js");
  const sink = openSync("/dev/null", "w");
  const write = (text) => writeSync(sink, text);
  const script = { init() {}, run: (data) => sum(data) };
  return createHandler(
    await startService(
      inProcess(async () => script),
      { entryScript: "score.js", env: {}, write },
    ),
  );
}

async function withFastify() {
  const { default: fastify } = await import("fastify");
  const { default: awsLambdaFastify } = await import("@fastify/aws-lambda");
  const app = fastify();
  app.post("/score", async (request) => ({ sum: request.body.data.reduce((total, value) => total + value, 0) }));
  const handler = awsLambdaFastify(app);
  await app.ready();
  return handler;
}

async function withExpress() {
  const { default: express } = await import("express");
  const { default: serverlessExpress } = await import("@vendia/serverless-express");
  const app = express();
  app.use(express.json());
  app.post("/score", (request, response) => {
    response.json({ sum: request.body.data.reduce((total, value) => total + value, 0) });
  });
  return serverlessExpress({ app });
}
