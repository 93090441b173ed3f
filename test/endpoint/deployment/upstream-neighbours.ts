// Servers that stand behind an upstream in tests: real ones, on ports of their own.
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createRawServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { Assets, DeploymentSpec, InferenceRoutes, Probe } from "../../../endpoint/types.ts";

/** An HTTP server for the rest of a test. @returns its address */
export async function serve(listener: RequestListener, port = 0): Promise<string> {
  const server = createServer(listener);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that speaks as the test wants it to. */
export async function serveRaw(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createRawServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Where nothing listens. */
export async function deadAddress(): Promise<string> {
  const server = createRawServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}

const PROBE: Probe = { initialDelay: 1, period: 1, timeout: 2, successThreshold: 1, failureThreshold: 1 };

export function specOf(
  changes: Partial<DeploymentSpec> = {},
  inference: InferenceRoutes | null = null,
): DeploymentSpec {
  return {
    name: "blue",
    endpointName: "house",
    kind: "managed",
    model: null,
    code: null,
    environment: { kind: "inline", name: null, image: "x", hasBuild: false, conda: null, inference },
    environmentVariables: {},
    instanceCount: 2,
    appInsightsEnabled: false,
    requestTimeoutMs: 60_000,
    maxConcurrentRequestsPerInstance: 3,
    maxQueueWaitMs: 500,
    livenessProbe: PROBE,
    readinessProbe: PROBE,
    scale: { type: "default" },
    ...changes,
  };
}

export function assetsOf(upstream: string | null): Assets {
  return { modelDir: null, served: null, python: null, environmentVariables: {}, upstream, warnings: [] };
}
