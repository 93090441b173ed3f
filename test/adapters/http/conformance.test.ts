import { Agent } from "node:http";
import { HealthServer } from "../../../adapters/http/health/index.ts";
import { createHttpServer } from "../../../adapters/http/index.ts";
import { type CreateDriver, type Driver, describeConformance } from "../../conformance.ts";
import { describeModelConformance } from "../../conformance-models.ts";
import { sendTo } from "../../setup/http-client.ts";
import { createService, type Service } from "../../setup/service.ts";

/** The node:http host over a real socket, with connections that are kept. */
const createDriver: CreateDriver = (script, env, runtimeOf) =>
  drive(createService(script, env, runtimeOf), ({ scorer, config, log }) => createHttpServer(scorer, config, log));

/** The separate health port, whose thread forwards to the score port what it does not answer itself. */
const createHealthDriver: CreateDriver = (script, env, runtimeOf) =>
  drive(createService(script, env, runtimeOf), ({ config, runtime, scorer, log }) => {
    const main = createHttpServer(scorer, config, log);
    let health: HealthServer;
    return {
      async listen(address) {
        const { port } = await main.listen(address);
        health = new HealthServer({ ...config, listen: [{ ...address, port }] }, runtime, log);
        return health.listen(address);
      },
      close: (graceMs) => Promise.all([health.close(graceMs), main.close(graceMs)]),
    };
  });

async function drive(service: Service, serve: (service: Service) => Server): Promise<Driver> {
  const { runtime, logged, close } = service;
  await runtime.start().catch(() => {});
  const server = serve(service);
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  const agent = new Agent({ keepAlive: true });

  return {
    send: (request) => sendTo(port, agent, request),
    logged,
    async close() {
      agent.destroy();
      await Promise.all([server.close(0), close()]);
    },
  };
}

interface Server {
  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }>;
  close(graceMs: number): Promise<unknown>;
}

const carries = { createDriver, streams: true, anyTarget: true, exactNames: true };

describeConformance("node:http, Python", { language: "python", ...carries });
describeConformance("node:http, TypeScript", { language: "typescript", ...carries });
describeConformance("RT-9: the separate health port, Python", {
  language: "python",
  ...carries,
  isFurtherDoor: true,
  createDriver: createHealthDriver,
});
describeModelConformance("node:http", { createDriver, anyTarget: true });
describeModelConformance("RT-9: the separate health port", { createDriver: createHealthDriver, anyTarget: true });
