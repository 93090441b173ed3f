// A deployment of one of the tests' own scripts, in this process.
import { onTestFinished } from "vitest";
import { createDeployment, type DeploymentOptions } from "../../../endpoint/deployment/index.ts";
import type { Assets, Deployment, DeploymentSpec, Probe } from "../../../endpoint/types.ts";
import type { ScoreRequest, ScoreResponse } from "../../../src/host.ts";
import { createGate, type Gate, SCRIPTS, temporaryFolder } from "../../setup/service.ts";

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Undefined: a script has answered. */
  readonly errorCode: string | undefined;
}

export interface Deployed extends Deployment {
  post(body: string, more?: Partial<ScoreRequest>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  /** All that it has written. */
  written(): string;
}

export const PROBE: Probe = { initialDelay: 10, period: 10, timeout: 2, successThreshold: 1, failureThreshold: 30 };

/** @param script file below SCRIPTS */
export function specOf(script: string, more: Partial<DeploymentSpec> = {}): DeploymentSpec {
  return {
    name: "blue",
    endpointName: "my-endpoint",
    kind: "managed",
    model: null,
    code: { folder: SCRIPTS, scoringScript: script },
    environment: null,
    environmentVariables: {},
    instanceCount: 1,
    appInsightsEnabled: false,
    requestTimeoutMs: 60_000,
    maxConcurrentRequestsPerInstance: 1,
    maxQueueWaitMs: 500,
    livenessProbe: PROBE,
    readinessProbe: PROBE,
    scale: { type: "default" },
    ...more,
  };
}

export function assetsOf(environmentVariables: Readonly<Record<string, string>> = {}): Assets {
  return { modelDir: null, served: null, python: null, environmentVariables, upstream: null, warnings: [] };
}

/** Not started; closed when the test ends. */
export function create(spec: DeploymentSpec, assets: Assets = assetsOf(), options: DeploymentOptions = {}): Deployed {
  const deployment = createDeployment(spec, assets, options);
  onTestFinished(() => deployment.close(0));
  const send = async (method: string, path: string, body: string, more: Partial<ScoreRequest>): Promise<Answer> =>
    readAnswer(await deployment.handle({ method, path, query: "", headers: {}, body: Buffer.from(body), ...more }));
  const also = {
    post: (body: string, more: Partial<ScoreRequest> = {}) => send("POST", "/score", body, more),
    get: (path: string) => send("GET", path, "", {}),
    written: () => deployment.logs(5_000).join("\n"),
  };
  // Its figures change, so they are asked of itself.
  return new Proxy(deployment, {
    get(target, name) {
      if (name in also) return Reflect.get(also, name);
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  }) as Deployed;
}

export async function deploy(...parts: Parameters<typeof create>): Promise<Deployed> {
  const deployed = create(...parts);
  await deployed.start();
  return deployed;
}

async function readAnswer({ status, body, errorCode }: ScoreResponse): Promise<Answer> {
  if (typeof body === "string") return { status, text: body, errorCode };
  if (body instanceof Uint8Array) return { status, text: Buffer.from(body).toString(), errorCode };
  let text = "";
  for await (const chunk of body) text += Buffer.from(chunk).toString();
  return { status, text, errorCode };
}

export async function gates(count: number): Promise<Gate[]> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  return Array.from({ length: count }, (_, index) => createGate(folder, `gate-${index}`));
}
