// Metrics of an endpoint: those of its gateway and of each deployment's server, told apart by a label, and those of the
// process once.
import {
  createProcessRecorder,
  createRecorder,
  type Events,
  expose,
  type Figures,
  type Recorder,
  type ScoreRequest,
  type ScoreResponse,
  VERSION,
} from "../../src/host.ts";
import { createGatewayRecorder, type GatewayRecorder } from "../gateway/recorder.ts";
import type { Deployment, DeploymentSpec, GatewayEvents, Target } from "../types.ts";

export class EndpointMetrics {
  #process: ReturnType<typeof createProcessRecorder> | undefined;
  #gateway: GatewayRecorder | undefined;
  /** By deployment; they count on when it is updated. */
  readonly #recorders = new Map<string, Recorder>();

  /** Begins to count, which costs each request something. @returns hears what the gateway answers */
  start(): GatewayEvents {
    this.#process = createProcessRecorder();
    // What writes the figures is loaded now, beside everything else that starts; where that fails, a scrape says so.
    expose([], undefined, 0).catch(() => {});
    this.#gateway = createGatewayRecorder();
    return this.#gateway;
  }

  /** Who hears what happens in a deployment's server. */
  subscribers({ name, code }: DeploymentSpec): readonly Events[] {
    if (this.#process === undefined) return [];
    const info = { version: VERSION, script: code?.scoringScript ?? "" };
    const recorder = this.#recorders.get(name) ?? createRecorder(info, { deployment: name });
    this.#recorders.set(name, recorder);
    return [recorder.events];
  }

  forget(deployment: string): void {
    this.#recorders.delete(deployment);
    this.#gateway?.forget(deployment);
  }

  async answer({ method, headers }: ScoreRequest, targets: readonly Target[]): Promise<ScoreResponse> {
    if (method !== "GET" && method !== "HEAD") {
      return { status: METHOD_NOT_ALLOWED, headers: [["Allow", "GET, HEAD"]], body: "" };
    }
    const { contentType, text } = await expose(this.#figures(targets), headers.accept, Date.now());
    return {
      status: OK,
      headers: [
        ["Content-Type", contentType],
        ["Vary", "Accept"],
      ],
      body: text,
    };
  }

  #figures(targets: readonly Target[]): Figures[] {
    const all: Figures[] = [];
    if (this.#process !== undefined) all.push(this.#process.figures());
    if (this.#gateway !== undefined) all.push(this.#gateway.figures(targets));
    for (const target of targets) {
      const { runtime } = target as Partial<Deployment>;
      const recorder = this.#recorders.get(target.name);
      if (runtime !== undefined && recorder !== undefined) all.push(recorder.figures(runtime));
    }
    return all;
  }
}

const OK = 200;
const METHOD_NOT_ALLOWED = 405;
