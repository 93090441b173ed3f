// What the gateway of an endpoint costs each request: by hand, `node bench/gateway.mjs` after a build. The same scorer, with
// a runtime that answers at once, by itself and behind the gateway: called in this process, and over one connection. Times
// are those of the clock and of the processor, client included; on a busy machine only the latter says something.
import { Agent, request } from "node:http";
import { createHttpServer } from "../dist/adapters/http/index.js";
import { createCredentials, newCredentials } from "../dist/endpoint/gateway/credentials.js";
import { createFigures } from "../dist/endpoint/gateway/figures.js";
import { createGateway } from "../dist/endpoint/gateway/gateway.js";
import { createLog, createScorer } from "../dist/src/host.js";

const ROUNDS = 15;
const CALLS = 40_000;
const REQUESTS = 4_000;
const BODY = Buffer.from('{"data": [[1, 2, 3]]}');

const runtime = {
  start: async () => ({ takes: "body", concurrent: true }),
  run: async () => ({ kind: "json", body: '{"result": [1, 2, 3]}', execMs: 0.1 }),
  close: async () => {},
  state: "ready",
  facts: { takes: "body", concurrent: true },
  initialised: true,
  failure: undefined,
};
const config = {
  errorDetail: "none",
  readyPath: "",
  serverVersion: "x",
  serviceName: "x",
  servicePathPrefix: "",
  serviceVersion: "1",
};
const log = createLog(() => {}, "INFO");
const plain = createScorer(config, runtime, {});
const data = newCredentials();
let inFlight = 0;
const target = (name) => ({
  name,
  capacity: 64,
  get inFlight() {
    return inFlight;
  },
  requestTimeoutMs: 5_000,
  isReady: true,
  whyNotReady: null,
  async handle(asked) {
    inFlight++;
    try {
      return await plain.handle(asked);
    } finally {
      inFlight--;
    }
  },
});
const routing = {
  endpoint: "house",
  form: "managed",
  authMode: "key",
  traffic: { blue: 90, green: 10 },
  mirror: {},
  targets: new Map(["blue", "green"].map((name) => [name, target(name)])),
};
const gateway = createGateway({
  routing: () => routing,
  credentials: createCredentials(() => data, "house"),
  events: createFigures(),
  log,
});

const HEADERS = {
  host: "localhost:5001",
  "user-agent": "bench",
  accept: "*/*",
  "content-type": "application/json",
  "content-length": String(BODY.length),
  authorization: `Bearer ${data.primaryKey}`,
};

async function inProcess(scorer) {
  for (let count = 0; count < CALLS; count++) {
    await scorer.handle({ method: "POST", path: "/score", query: "", headers: HEADERS, body: BODY });
  }
  return CALLS;
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function post(port) {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, agent, method: "POST", path: "/score", headers: HEADERS },
      (answer) => {
        if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`));
        answer.on("end", resolve).resume();
      },
    );
    sent.on("error", reject).end(BODY);
  });
}

async function overHttp(port) {
  for (let count = 0; count < REQUESTS; count++) await post(port);
  return REQUESTS;
}

const median = (numbers) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];

/** Microseconds of each request. */
async function timed(measure, scorer) {
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  const count = await measure(scorer);
  const { user, system } = process.cpuUsage(before);
  return { wall: ((performance.now() - startedAt) * 1_000) / count, cpu: (user + system) / count };
}

/** In turns, so that both meet the same machine. */
async function compare(what, measure, one, other) {
  const [alone, behind] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await timed(measure, one));
    behind.push(await timed(measure, other));
  }
  for (const clock of ["wall", "cpu"]) {
    const [a, b] = [alone, behind].map((all) => median(all.map((times) => times[clock])));
    console.log(
      `${what}, ${clock}: plain ${a.toFixed(2)} µs, gateway ${b.toFixed(2)} µs, ${(b - a).toFixed(2)} µs more`,
    );
  }
}

await compare("in this process", inProcess, plain, gateway);
if (process.argv[2] !== "--in-process") {
  const servers = [
    createHttpServer(plain, { maxBodyBytes: 0 }, log),
    createHttpServer(gateway, { maxBodyBytes: 0 }, log),
  ];
  const [one, other] = await Promise.all(servers.map((server) => server.listen({ host: "127.0.0.1", port: 0 })));
  await compare("one connection", overHttp, one.port, other.port);
  agent.destroy();
  await Promise.all(servers.map((server) => server.close(0)));
}
