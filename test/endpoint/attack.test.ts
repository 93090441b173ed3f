// Clients that do their worst, over real connections to real deployments, while those change: nothing is lost, nothing stays
// behind, and the counts add up.
import type { Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { createHttpServer } from "../../adapters/http/index.ts";
import { createFigures, type GatewayFigures } from "../../endpoint/gateway/figures.ts";
import { createGateway } from "../../endpoint/gateway/gateway.ts";
import { createMirror, type ReportingMirror } from "../../endpoint/mirror/index.ts";
import type { Deployment, GatewayRecord, Mirror, Shares } from "../../endpoint/types.ts";
import { exchange, openConnection } from "../setup/raw-client.ts";
import { isAlive, temporaryFolder, until } from "../setup/service.ts";
import { assetsOf, deploy, specOf } from "./deployment/deploy.ts";
import { CREDENTIALS, KEY, keptLog, routingOf } from "./gateway/neighbours.ts";

const CLIENTS = 32;

interface House {
  readonly port: number;
  readonly records: readonly GatewayRecord[];
  readonly logged: readonly string[];
  readonly figures: GatewayFigures;
  connections(): Promise<number>;
  close(graceMs: number): Promise<void>;
}

async function open(
  deployments: readonly Deployment[],
  shares: Shares,
  mirrored: Shares,
  mirror?: Mirror,
): Promise<House> {
  const { log, logged } = keptLog();
  const records: GatewayRecord[] = [];
  const figures = createFigures();
  const routing = routingOf(deployments, shares, { mirror: mirrored });
  const gateway = createGateway({
    routing: () => routing,
    credentials: CREDENTIALS,
    mirror,
    events: {
      answered(record) {
        records.push(record);
        figures.answered(record);
      },
    },
    log,
  });
  const server = createHttpServer(gateway, { maxBodyBytes: 0 }, log);
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close(0));
  const connections = (): Promise<number> =>
    new Promise((resolve, reject) =>
      server.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
    );
  return { port, records, logged, figures, connections, close: (graceMs) => server.close(graceMs) };
}

function post(body: string, ...headers: string[]): string {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  return ["POST /score HTTP/1.1", "Host: x", `Authorization: Bearer ${KEY}`, length, ...headers, "", body].join("\r\n");
}

/** What is told of requests besides: answered, left, or broken off before they were whole. */
function oddIn({ records }: House): readonly string[] {
  const told = records.map(({ status, deployment = "none" }) => `${status} ${deployment}`);
  return [...new Set(told)].filter((text) => !["200 blue", "499 blue", "400 none"].includes(text));
}

const CLOSE = "Connection: close";

async function answers(port: number, body: string): Promise<void> {
  const { status, body: answer } = await exchange(port, post(body, CLOSE));
  expect([status, answer.toString()]).toEqual([200, JSON.stringify(body)]);
}

/** Resolves with the connection's end. @param count bytes of an answer after which the client resets; undefined: it reads all */
function resetAfter(socket: Socket, count: number): Promise<void> {
  return new Promise((resolve) => {
    let seen = 0;
    socket.on("close", () => resolve());
    socket.on("data", (chunk: Buffer) => {
      seen += chunk.length;
      if (seen >= count) socket.resetAndDestroy();
    });
  });
}

test("a client that resets at any byte of a request or an answer, while the deployment is updated, costs nobody else anything", async () => {
  const blue = await deploy(specOf("echo.ts", { maxConcurrentRequestsPerInstance: 2 }));
  const house = await open([blue], { blue: 100 }, {});
  const request = post("[1, 2, 3]");
  let isOver = false;
  let updates = 0;
  const updating = (async () => {
    for (; !isOver; updates++) await blue.update(blue.spec, assetsOf());
  })();
  const asking = (async () => {
    for (let count = 0; !isOver; count++) await answers(house.port, `whole ${count}`);
  })();
  for (let length = 0; length <= request.length; length++) {
    const socket = await openConnection(house.port);
    if (length > 0) await new Promise((resolve) => socket.write(request.slice(0, length), resolve));
    socket.resetAndDestroy();
  }
  for (let length = 1; length <= request.length; length += 7) {
    const socket = await openConnection(house.port);
    const ended = resetAfter(socket, length);
    socket.write(request);
    await ended;
  }
  isOver = true;
  await Promise.all([updating, asking]);
  expect(updates).toBeGreaterThan(0);
  await until(() => blue.inFlight === 0, "nothing is under way");
  await until(async () => (await house.connections()) === 0, "no connection is left");
  expect(oddIn(house)).toEqual([]);
  expect(house.logged.filter((line) => line.includes("ERROR"))).toEqual([]);
  expect(blue.workers).toEqual({ starting: 0, idle: 2, busy: 0, dead: 0 });
});

test("clients that leave at any time, with a mirror: every copy is accounted for", async () => {
  const [blue, green] = await Promise.all([
    deploy(specOf("echo.ts", { maxConcurrentRequestsPerInstance: 16 })),
    deploy(specOf("echo.ts", { name: "green" })),
  ]);
  const mirror: ReportingMirror = createMirror({ options: { maxQueue: 20 } });
  onTestFinished(() => mirror.close());
  let offered = 0;
  const counting: Mirror = {
    offer(sent, ...rest) {
      if (!sent.signal?.aborted) offered++;
      return mirror.offer(sent, ...rest);
    },
  };
  const house = await open([blue, green], { blue: 100 }, { green: 50 }, counting);
  const plan = fc.array(fc.constantFrom("whole", "sent", "half", "head"), { minLength: 20, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: CLIENTS, maxLength: CLIENTS }), async (clients) => {
      await Promise.all(
        clients.map(async (steps, client) => {
          for (const [index, step] of steps.entries()) {
            if (step === "whole") {
              await answers(house.port, `${client}-${index}`);
              continue;
            }
            const socket = await openConnection(house.port);
            const text = post(`left ${client}-${index}`);
            if (step === "head") {
              const ended = resetAfter(socket, 1);
              socket.write(text);
              await ended;
            } else {
              const sent = step === "half" ? text.slice(0, -2) : text;
              await new Promise((resolve) => socket.write(sent, resolve));
              await turn();
              socket.resetAndDestroy();
            }
          }
        }),
      );
      await until(() => blue.inFlight === 0, "nothing is under way");
      await mirror.settled();
      await until(() => green.inFlight === 0, "nothing is under way at the shadow");
      const report = mirror.report();
      const { mirrored = 0, dropped = 0, compared = 0, different = 0 } = report ?? {};
      expect({ all: mirrored + dropped, compared, different }).toEqual({
        all: offered,
        compared: mirrored,
        different: 0,
      });
    }),
    { numRuns: 3, endOnFailure: true },
  );
  expect(offered).toBeGreaterThan(0);
  await until(async () => (await house.connections()) === 0, "no connection is left");
  const { requests, statuses } = house.figures.of("blue");
  expect(requests).toBe(house.records.filter(({ deployment }) => deployment !== undefined).length);
  expect(oddIn(house)).toEqual([]);
  expect(Object.values(statuses).reduce((sum, count) => sum + count, 0)).toBe(requests);
});

test.skipIf(process.platform === "win32")(
  "workers forked off a preload process come and go with the load, and nobody waits in vain",
  async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const scale = {
      type: "target_utilization",
      minInstances: 0,
      maxInstances: 3,
      targetUtilizationPercentage: 70,
      pollingInterval: 0.01,
    } as const;
    const variables = { WORKER_PRELOAD: "true", NOTES: folder.file("notes") };
    const blue = await deploy(specOf("preloaded.py", { scale }), assetsOf(variables), { idleMs: 100, scaleDownMs: 20 });
    const house = await open([blue], { blue: 100 }, {});
    const pids = new Set<number>();
    const ask = async (): Promise<void> => {
      const { status, body } = await exchange(house.port, post("", CLOSE));
      expect(status).toBe(200);
      const { loaded, run } = JSON.parse(body.toString()) as { loaded: number; run: number };
      for (const pid of [loaded, run]) pids.add(pid);
    };
    for (let round = 0; round < 4; round++) {
      // Never more than one instance takes.
      const clients = Array.from({ length: 2 }, async () => {
        for (let count = 0; count < 100; count++) await ask();
      });
      const updated = round % 2 === 1 ? blue.update(blue.spec, assetsOf(variables)) : undefined;
      await Promise.all([...clients, updated]);
      await until(() => blue.instances === 0, "it sleeps");
      await until(() => [...pids].every((pid) => !isAlive(pid)), "all of its processes have gone");
    }
    expect(blue.inFlight).toBe(0);
  },
);

test("a thousand connections that ask nothing hold up neither requests, nor an update, nor the end", async () => {
  const blue = await deploy(specOf("echo.ts", { maxConcurrentRequestsPerInstance: 16 }));
  const house = await open([blue], { blue: 100 }, {});
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let count = 0; count < 1_000; count++) {
    const socket = await openConnection(house.port);
    socket.resume();
    sockets.push(socket);
    // Some have asked before, some have begun to.
    if (count % 3 === 1) socket.write(post("before"));
    if (count % 3 === 2) socket.write("POST /score HTTP/1.1\r\nHost:");
  }
  await until(() => house.records.length === 333, "those that have asked are answered");
  const updated = blue.update(blue.spec, assetsOf());
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      for (let count = 0; count < 10; count++) await answers(house.port, `${client}-${count}`);
    }),
  );
  await updated;
  expect(await house.connections()).toBe(1_000);
  expect(house.records.every(({ status }) => status === 200)).toBe(true);
  await house.close(60_000);
  await until(() => sockets.every(({ closed }) => closed), "all connections are closed");
  expect(blue.inFlight).toBe(0);
});
