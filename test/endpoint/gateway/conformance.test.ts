// The suite that every host passes, through a gateway that passes codes on: all that differs are the ids.
import { Agent } from "node:http";
import { createHttpServer } from "../../../adapters/http/index.ts";
import { createGateway } from "../../../endpoint/gateway/gateway.ts";
import { type CreateDriver, describeConformance } from "../../conformance.ts";
import { describeModelConformance } from "../../conformance-models.ts";
import { sendTo } from "../../setup/http-client.ts";
import { createService } from "../../setup/service.ts";
import { CREDENTIALS, KEY, routingOf } from "./neighbours.ts";
import { targetOf } from "./service-target.ts";

const createDriver: CreateDriver = async (script, env, runtimeOf) => {
  const service = createService(script, env, runtimeOf);
  const { runtime, config, log, logged, close } = service;
  await runtime.start().catch(() => {});
  const routing = routingOf([targetOf(service)], { blue: 100 }, { form: "none" });
  const gateway = createGateway({ routing: () => routing, credentials: CREDENTIALS, log });
  const server = createHttpServer(gateway, config, log);
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  const agent = new Agent({ keepAlive: true });
  return {
    send: (request) =>
      sendTo(port, agent, { ...request, headers: [...(request.headers ?? []), ["Authorization", `Bearer ${KEY}`]] }),
    logged,
    async close() {
      agent.destroy();
      await Promise.all([server.close(0), close()]);
    },
  };
};

describeConformance("an endpoint, Python", {
  language: "python",
  createDriver,
  streams: true,
  anyTarget: true,
  exactNames: true,
  ownIds: true,
});
describeModelConformance("an endpoint", { createDriver, anyTarget: true });
