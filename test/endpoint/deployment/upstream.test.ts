// A deployment that is a server of the user's: when it is ready, and what becomes of requests when it changes.
import { createServer, type Server } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { createDeployment } from "../../../endpoint/deployment/index.ts";
import type { Deployment, InferenceRoutes } from "../../../endpoint/types.ts";
import type { BodyStream } from "../../../src/host.ts";
import { until } from "../../setup/service.ts";
import { house, requestWith, textOf } from "../gateway/neighbours.ts";
import { assetsOf, deadAddress, serve, specOf } from "./upstream-neighbours.ts";

function upstreamTo(address: string, spec = specOf()): Deployment {
  const deployment = createDeployment(spec, assetsOf(address));
  onTestFinished(() => deployment.close(0));
  return deployment;
}

const portOf = (address: string): number => Number(new URL(address).port);

/** Routes of an image whose server listens at 8080, probed elsewhere when that is given. */
function routes(readinessPort = 8_080): InferenceRoutes {
  const at = (port: number, path: string) => ({ port, path });
  return { liveness: at(8_080, "/live"), readiness: at(readinessPort, "/ready"), scoring: at(8_080, "/predict") };
}

describe("readiness", () => {
  test("is that somebody listens, where nothing says more", async () => {
    const paths: (string | undefined)[] = [];
    const address = await serve((request, response) => {
      paths.push(request.url);
      response.writeHead(500).end();
    });
    const deployment = upstreamTo(address);
    expect([deployment.isReady, deployment.state, deployment.instances]).toEqual([false, "Creating", 0]);
    await deployment.start();
    expect([deployment.isReady, deployment.whyNotReady, deployment.state]).toEqual([true, null, "Succeeded"]);
    expect([deployment.instances, deployment.capacity, deployment.workers, deployment.waiting]).toEqual([
      2,
      12,
      undefined,
      0,
    ]);
    expect(paths).toEqual([]);
    expect(deployment.logs(10)).toEqual([expect.stringContaining(`The upstream ${address} is ready.`)]);
    expect(deployment.logs(0)).toEqual([]);
  });

  test("is what the readiness route says, at the port of the address", async () => {
    let status = 503;
    let asked = 0;
    const address = await serve((request, response) => {
      if (request.url === "/ready") asked++;
      response.writeHead(status).end();
    });
    const deployment = upstreamTo(
      address,
      specOf(
        { readinessProbe: { initialDelay: 1, period: 60, timeout: 2, successThreshold: 2, failureThreshold: 30 } },
        routes(),
      ),
    );
    const started = deployment.start();
    await until(() => asked > 0, "it is asked");
    expect(deployment.isReady).toBe(false);
    status = 200;
    await started;
    // Two successes in a row, although the period is a minute.
    expect([deployment.isReady, asked >= 3]).toEqual([true, true]);
    expect(deployment.logs(100).join("")).toContain("GET /ready returns 503");
  });

  test("may have a port of its own", async () => {
    const scoring = await serve((_request, response) => void response.end("scored"));
    const ready = await serve(
      (request, response) => void response.writeHead(request.url === "/ready" ? 204 : 500).end(),
    );
    const deployment = upstreamTo(scoring, specOf({}, routes(portOf(ready))));
    await deployment.start();
    expect(await textOf(await deployment.handle(requestWith()))).toBe("scored");
  });

  test.each([
    ["nothing listens", deadAddress, null, /the upstream http:\S+ is not ready: connect ECONNREFUSED/],
    [
      "its route fails",
      () => serve((_q, response) => void response.writeHead(404).end()),
      routes(),
      /GET \/ready returns 404/,
    ],
    ["its route hangs", () => serve(() => {}), routes(), /GET \/ready returns nothing within 1000 ms/],
  ])("that does not come ends the start, with the reason: %s", async (_name, start, inference, why) => {
    const probe = { initialDelay: 0, period: 1, timeout: 1, successThreshold: 1, failureThreshold: 1 };
    const deployment = upstreamTo(await start(), specOf({ readinessProbe: probe }, inference));
    await expect(deployment.start()).rejects.toThrow(why);
    expect([deployment.state, deployment.isReady]).toEqual(["Failed", false]);
    expect(deployment.whyNotReady).not.toBeNull();
  });

  test("goes and comes again while the deployment lives", async () => {
    let status = 200;
    const address = await serve((_request, response) => void response.writeHead(status).end());
    const deployment = upstreamTo(address, specOf({}, routes()));
    await deployment.start();
    status = 500;
    await until(() => !deployment.isReady, "it is not ready any more");
    expect(deployment.whyNotReady).toBe("readiness_probe: GET /ready returns 500");
    status = 200;
    await until(() => deployment.isReady, "it is ready again");
    const lines = deployment.logs(100).filter((line) => line.includes("readiness_probe"));
    expect(lines).toEqual([
      expect.stringContaining("has failed 1 times, no requests are taken: GET /ready returns 500"),
      expect.stringContaining("succeeds again"),
    ]);
  });
});

describe("updates", () => {
  test("move over when the new server is ready; what runs on the old one ends there", async () => {
    const old = await serve((request, response) => {
      request.resume();
      response.write("old ");
      finish = () => response.end("end");
    });
    let finish = (): void => {};
    const fresh = await serve((_request, response) => void response.end("new"));
    const deployment = upstreamTo(old);
    await deployment.start();
    const running = await deployment.handle(requestWith());
    await deployment.update(specOf({ instanceCount: 1 }), assetsOf(fresh));
    expect([deployment.capacity, deployment.inFlight, deployment.state]).toEqual([6, 1, "Succeeded"]);
    expect(await textOf(await deployment.handle(requestWith()))).toBe("new");
    finish();
    expect(await textOf(running)).toBe("old end");
    await until(() => deployment.inFlight === 0, "nothing is under way");
  });

  test("to a server that does not come up change nothing", async () => {
    const address = await serve((_request, response) => void response.end("old"));
    const deployment = upstreamTo(address);
    await deployment.start();
    const probe = { initialDelay: 0, period: 1, timeout: 1, successThreshold: 1, failureThreshold: 1 };
    await expect(
      deployment.update(specOf({ readinessProbe: probe, instanceCount: 9 }), assetsOf(await deadAddress())),
    ).rejects.toThrow("is not ready");
    await expect(deployment.update(specOf(), assetsOf("nowhere"))).rejects.toThrow("give http://host:port");
    await expect(deployment.update(specOf(), assetsOf(null))).rejects.toThrow("has neither a score script nor a model");
    expect([deployment.isReady, deployment.state, deployment.capacity]).toEqual([true, "Succeeded", 12]);
    expect(await textOf(await deployment.handle(requestWith()))).toBe("old");
  });
});

describe("closing", () => {
  test("lets what runs end", async () => {
    let finish = (): void => {};
    const address = await serve((request, response) => {
      request.resume();
      finish = () => response.end("end");
      response.write("begun ");
    });
    const deployment = upstreamTo(address);
    await deployment.start();
    const response = await deployment.handle(requestWith());
    const closed = deployment.close(60_000);
    expect([deployment.isReady, deployment.state]).toEqual([false, "Deleting"]);
    finish();
    expect(await textOf(response)).toBe("begun end");
    await closed;
  });

  test("ends a start that waits", async () => {
    const deployment = upstreamTo(
      await deadAddress(),
      specOf({ readinessProbe: { ...specOf().readinessProbe, failureThreshold: 1_000 } }),
    );
    const started = deployment.start();
    started.catch(() => {});
    await until(() => deployment.logs(1).length === 1, "it waits");
    await deployment.close(0);
    await expect(started).rejects.toThrow("is being deleted");
  });
});

test("behind a gateway: as it is, not there, broken, and back again (contract GW-13, GW-15, GW-19)", async () => {
  let isBroken = false;
  let server: Server | undefined;
  const listen = async (port: number): Promise<number> => {
    server = createServer((request, response) => {
      request.resume();
      if (isBroken) response.socket?.destroy();
      else if (request.url === "/slow") response.on("close", () => gone++);
      else response.writeHead(request.url === "/v1/fail" ? 418 : 200, { "X-Own": "1" }).end(request.url);
    });
    await new Promise<void>((resolve) => server!.listen(port, "127.0.0.1", resolve));
    return (server.address() as { port: number }).port;
  };
  let gone = 0;
  const stop = async (): Promise<void> => {
    server!.closeAllConnections();
    await new Promise((resolve) => server!.close(resolve));
  };
  const port = await listen(0);
  onTestFinished(() => stop().catch(() => {}));
  const spec = specOf({ requestTimeoutMs: 100, readinessProbe: { ...specOf().readinessProbe, period: 3_600 } });
  const deployment = upstreamTo(`http://127.0.0.1:${port}`, spec);
  await deployment.start();
  for (const [form, statuses] of [
    ["managed", { fail: 424, slow: 408, broken: 424, down: 424 }],
    ["kubernetes", { fail: 418, slow: 504, broken: 502, down: 503 }],
    ["none", { fail: 418, slow: 408, broken: 502, down: 503 }],
  ] as const) {
    const { gateway, route } = house(form);
    route({ blue: 100 }, { targets: new Map([["blue", deployment]]) });
    const ask = async (path: string): Promise<[number, string]> => {
      const response = await gateway.handle(requestWith({ path }));
      return [response.status, await textOf(response)];
    };
    expect(await ask("/v1/chat")).toEqual([200, "/v1/chat"]);
    expect(await ask("/v1/fail")).toEqual([statuses.fail, "/v1/fail"]);
    gone = 0;
    expect(await ask("/slow")).toEqual([statuses.slow, "upstream request timeout"]);
    await until(() => gone === 1, "the upstream hears that nobody waits");
    isBroken = true;
    expect((await ask("/"))[0]).toBe(statuses.broken);
    isBroken = false;
    await stop();
    expect((await ask("/"))[0]).toBe(statuses.down);
    await listen(port);
    // With the next request, not with the next probe.
    expect((await ask("/again"))[0]).toBe(200);
    await until(() => deployment.inFlight === 0, "nothing is under way");
  }
});

test("a client that leaves in the middle of a stream ends it upstream", async () => {
  let gone = 0;
  const address = await serve((request, response) => {
    request.resume();
    response.on("close", () => gone++);
    response.write("first");
  });
  const deployment = upstreamTo(address);
  await deployment.start();
  const { gateway, route, records } = house();
  route({ blue: 100 }, { targets: new Map([["blue", deployment]]) });
  const { body } = await gateway.handle(requestWith());
  const chunks = (body as BodyStream)[Symbol.asyncIterator]();
  await chunks.next();
  expect([deployment.inFlight, records.length]).toEqual([1, 0]);
  await chunks.return?.();
  await until(() => gone === 1, "the upstream knows");
  expect([deployment.inFlight, records.map(({ responseBytes }) => responseBytes)]).toEqual([0, [5]]);
});
