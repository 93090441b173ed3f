// Metrics of the gateway: what clients get, which the servers behind it do not know.
import { type Figures, GATEWAY_FAMILIES, type Labels, Series } from "../../src/host.ts";
import type { Deployment, GatewayEvents, GatewayRecord, Target } from "../types.ts";
import { CLIENT_GONE } from "./answers.ts";

/** Keeps count of what the gateway announces. */
export interface GatewayRecorder extends GatewayEvents {
  /** @param targets deployments that there are now */
  figures(targets: Iterable<Target>): Figures;
  /** Forgets a deployment that is gone. */
  forget(deployment: string): void;
}

const SECOND_MS = 1_000;
/** Statuses that have a label of their own; scripts can make up others. */
const LOWEST_STATUS = 100;
const HIGHEST_STATUS = 599;
const OTHER_STATUS = 0;
const OTHER = "_OTHER";

/** Answers that look alike. */
interface Kind {
  readonly status: number;
  readonly modelStatus: number | undefined;
  readonly reason: string | undefined;
  readonly isMirrored: boolean;
  count: number;
}

/** What is counted of one deployment, or of what was refused before one was chosen. */
interface Counts {
  readonly latencies: Series;
  /** Few enough to be looked through, which allocates nothing. */
  readonly kinds: Kind[];
}

export function createGatewayRecorder(): GatewayRecorder {
  const { bounds = [] } = GATEWAY_FAMILIES.scorefn_gateway_request_duration_seconds;
  const all = new Map<string | undefined, Counts>();

  function countsOf(deployment: string | undefined): Counts {
    let counts = all.get(deployment);
    if (counts === undefined) {
      counts = { latencies: new Series(labelsOf(deployment), bounds), kinds: [] };
      all.set(deployment, counts);
    }
    return counts;
  }

  function answered({ deployment, status, modelStatus, reason, isMirrored, totalMs }: GatewayRecord): void {
    const { latencies, kinds } = countsOf(deployment);
    kindOf(kinds, known(status), modelStatus && known(modelStatus), reason, isMirrored).count++;
    // How long a client waits that leaves says nothing of the deployment.
    if (deployment !== undefined && reason !== CLIENT_GONE) latencies.observe(totalMs / SECOND_MS);
  }

  function figures(targets: Iterable<Target>): Figures {
    const members = [...targets] as readonly (Target & Partial<Deployment>)[];
    const requests = [...all].flatMap(([deployment, { kinds }]) =>
      kinds.map((kind) => ({ labels: { ...labelsOf(deployment), ...labelsOfKind(kind) }, value: kind.count })),
    );
    const latencies = [...all].flatMap(([deployment, counts]) =>
      deployment === undefined ? [] : counts.latencies.distribution(),
    );
    const gauge = (figure: (target: Target & Partial<Deployment>) => number) =>
      members.map((target) => ({ labels: labelsOf(target.name), value: figure(target) }));
    // Those with a runtime say it themselves.
    const upstreams = members.filter(({ runtime }) => runtime === undefined);
    return {
      takenAt: Date.now(),
      own: {},
      points: {
        scorefn_gateway_requests_total: requests,
        scorefn_gateway_active_requests: gauge(({ inFlight }) => inFlight),
        scorefn_gateway_request_limit: gauge(({ capacity }) => capacity),
        scorefn_instances: gauge(({ instances = 0 }) => instances),
        scorefn_ready: upstreams.map(({ name, isReady }) => ({ labels: labelsOf(name), value: isReady ? 1 : 0 })),
      },
      distributions: { scorefn_gateway_request_duration_seconds: latencies },
      workerPids: [],
    };
  }

  return { answered, figures, forget: (deployment) => all.delete(deployment) };
}

function kindOf(
  kinds: Kind[],
  status: number,
  modelStatus: number | undefined,
  reason: string | undefined,
  isMirrored: boolean,
): Kind {
  for (const kind of kinds) {
    const isIt =
      kind.status === status &&
      kind.modelStatus === modelStatus &&
      kind.reason === reason &&
      kind.isMirrored === isMirrored;
    if (isIt) return kind;
  }
  const kind = { status, modelStatus, reason, isMirrored, count: 0 };
  kinds.push(kind);
  return kind;
}

function known(status: number): number {
  return status >= LOWEST_STATUS && status <= HIGHEST_STATUS ? status : OTHER_STATUS;
}

/** One that went nowhere has no deployment; what clients ask for is no label. */
function labelsOf(deployment: string | undefined): Labels {
  return deployment === undefined ? {} : { deployment };
}

function labelsOfKind({ status, modelStatus, reason, isMirrored }: Kind): Labels {
  const text = (number: number): string => (number === OTHER_STATUS ? OTHER : String(number));
  return {
    http_response_status_code: text(status),
    ...(modelStatus !== undefined && { model_status_code: text(modelStatus) }),
    ...(reason !== undefined && { reason }),
    ...(isMirrored && { mirrored: "true" }),
  };
}
