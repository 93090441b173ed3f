// Metrics of an endpoint: those of each deployment's server, told apart by a label, and those of the process once.
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
import type { Deployment, DeploymentSpec, Target } from "../types.ts";

export class EndpointMetrics {
  #process: ReturnType<typeof createProcessRecorder> | undefined;
  /** By deployment; they count on when it is updated. */
  readonly #recorders = new Map<string, Recorder>();

  /** Begins to count, which costs each request something. */
  start(): void {
    this.#process = createProcessRecorder();
    // What writes the figures is loaded now, beside everything else that starts; where that fails, a scrape says so.
    expose([], undefined, 0).catch(() => {});
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
  }

  async answer({ method, headers }: ScoreRequest, targets: Iterable<Target>): Promise<ScoreResponse> {
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

  #figures(targets: Iterable<Target>): Figures[] {
    const all = this.#process === undefined ? [] : [this.#process.figures()];
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
