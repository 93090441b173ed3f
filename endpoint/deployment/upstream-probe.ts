import { get } from "node:http";
import { connect } from "node:net";
import type { DeploymentSpec, PortPath } from "../types.ts";
import type { UpstreamLink } from "./upstream-link.ts";

/** What is asked whether an upstream is ready; without a path it is enough that somebody listens. */
export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  readonly path: string | undefined;
}

/** The readiness route of the environment. The container's ports are where the user's server listens: the scoring port is
 *  that of the address, and a port of its own is taken as it stands. */
export function probeTargetOf({ environment }: DeploymentSpec, { host, port }: UpstreamLink): ProbeTarget {
  const routes = environment?.kind === "inline" ? environment.inference : null;
  const route: PortPath | undefined = routes?.readiness;
  if (routes === null || route === undefined) return { host, port, path: undefined };
  return { host, port: route.port === routes.scoring.port ? port : route.port, path: route.path };
}

/** Statuses of a probe that went well, as Kubernetes takes them. */
const LOWEST_OK = 200;
const LOWEST_BAD = 400;

/** Asks once. @returns why it is not ready; null: it is */
export function probe({ host, port, path }: ProbeTarget, timeoutMs: number): Promise<string | null> {
  return path === undefined ? probePort(host, port, timeoutMs) : probeRoute(host, port, path, timeoutMs);
}

function probePort(host: string, port: number, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (why: string | null): void => {
      socket.destroy();
      resolve(why);
    };
    socket.on("connect", () => end(null));
    socket.on("timeout", () => end(`nobody listens within ${timeoutMs} ms at port ${port}`));
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.message || String(error.code)));
  });
}

function probeRoute(host: string, port: number, path: string, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const request = get({ host, port, path, agent: false }, (response) => {
      const { statusCode = 0 } = response;
      end(statusCode >= LOWEST_OK && statusCode < LOWEST_BAD ? null : `GET ${path} returns ${statusCode}`);
    });
    // All of it, for one that sends its head byte by byte is not ready either.
    const timer = setTimeout(() => end(`GET ${path} returns nothing within ${timeoutMs} ms`), timeoutMs);
    const end = (why: string | null): void => {
      clearTimeout(timer);
      resolve(why);
      request.destroy();
    };
    request.on("error", (error: NodeJS.ErrnoException) => end(error.message || String(error.code)));
  });
}
