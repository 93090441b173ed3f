import type { ErrorCode } from "../core/errors.ts";
import type { Events, RequestAnswered, RunEnd } from "../core/events.ts";
import { readTraceparent } from "../core/traceparent.ts";
import type { RuntimeState, ScoreResponse, ScoreRuntime, WorkerState } from "../core/types.ts";
import { watchEventLoop } from "./event-loop.ts";
import { FAMILIES, type FamilyName, type Figures, type Labels, type Point } from "./families.ts";
import { Counter, Histogram, type Series } from "./instruments.ts";

/** Keeps count of what the core announces. */
export interface Recorder {
  readonly events: Events;
  /** @param runtime asked for what it holds now */
  figures(runtime: Pick<ScoreRuntime, "state" | "load">): Figures;
}

/** Methods that have a label of their own, as OpenTelemetry lists them; clients can make up others. */
const METHODS: ReadonlySet<string> = new Set([
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"],
]);
const OTHER = "_OTHER";
/** Statuses that have a label of their own; scripts can make up others. */
const LOWEST_STATUS = 200;
const HIGHEST_STATUS = 599;
const OTHER_STATUS = 0;

const RUN_ENDS: readonly RunEnd[] = ["ok", "bad_input", "error", "timeout", "interrupted", "worker_exit"];
const COMMON_END: ErrorCode = "ERR_WORKER_EXIT";

const histogram = (name: FamilyName): Histogram => new Histogram(FAMILIES[name].bounds ?? []);

/** What is counted of one route. */
interface RouteSeries {
  readonly requestSizes: Series;
  readonly responseSizes: Series;
  /** One for each kind of answer, the usual one first: few enough to be looked through, which allocates nothing. */
  readonly answers: {
    readonly method: string;
    readonly status: number;
    readonly errorCode: string;
    durations: Series;
  }[];
}

/** @param info labels of `scorefn_info`
 *  @param own labels of all figures, where several services are told apart; none of them has figures of the process then */
export function createRecorder(info: Labels, own: Labels = {}): Recorder {
  const durations = histogram("http_server_request_duration_seconds");
  const requestSizes = histogram("http_server_request_body_size_bytes");
  const responseSizes = histogram("http_server_response_body_size_bytes");
  const runs = histogram("scorefn_run_duration_seconds");
  const waits = histogram("scorefn_queue_seconds");
  const workerStarts = histogram("scorefn_worker_start_seconds");
  const starts = new Counter();
  const restarts = new Counter();
  // What has not happened yet stands at 0, so that its first time is an increase.
  starts.prepare("", {});
  restarts.prepare(COMMON_END, { reason: COMMON_END });
  const wait = waits.series({});
  const workerStart = workerStarts.series({});
  const byEnd = Object.fromEntries(RUN_ENDS.map((end) => [end, runs.series({ outcome: end })])) as Record<
    RunEnd,
    Series
  >;
  const byRoute = new Map<string, RouteSeries>();
  let active = 0;
  const ofProcess = Object.keys(own).length === 0 ? watchProcess() : undefined;

  function seriesOf(route: string): RouteSeries {
    let series = byRoute.get(route);
    if (series === undefined) {
      const labels = routeLabels(route);
      series = { requestSizes: requestSizes.series(labels), responseSizes: responseSizes.series(labels), answers: [] };
      byRoute.set(route, series);
    }
    return series;
  }

  function durationsOf(
    route: string,
    answers: RouteSeries["answers"],
    method: string,
    response: ScoreResponse,
  ): Series {
    const { status: given, errorCode = "" } = response;
    const status = given >= LOWEST_STATUS && given <= HIGHEST_STATUS ? given : OTHER_STATUS;
    for (const answer of answers) {
      if (answer.status === status && answer.method === method && answer.errorCode === errorCode)
        return answer.durations;
    }
    const series = durations.series(requestLabels(route, method, status, errorCode));
    answers.push({ method, status, errorCode, durations: series });
    return series;
  }

  /** The answer has been made, or its stream has ended. */
  function answered(record: RequestAnswered, responseBytes: number, endedAt: number): void {
    const { request, route = "", response, requestBytes, startedAt, wasReceived } = record;
    if (wasReceived) active--;
    const series = seriesOf(route);
    const method = METHODS.has(request.method) ? request.method : OTHER;
    const { traceparent } = request.headers;
    const trace = traceparent === undefined ? undefined : readTraceparent(traceparent);
    // One that nobody can look up is no example.
    const traceId = trace?.isSampled ? trace.traceId : undefined;
    durationsOf(route, series.answers, method, response).observe((endedAt - startedAt) / 1_000, traceId);
    series.requestSizes.observe(requestBytes);
    series.responseSizes.observe(responseBytes);
  }

  const events: Events = {
    requestReceived: () => {
      active++;
    },
    requestAnswered(record) {
      const { body } = record.response;
      if (typeof body === "string") answered(record, Buffer.byteLength(body), record.endedAt);
      else if (body instanceof Uint8Array) answered(record, body.length, record.endedAt);
    },
    streamEnded: ({ answered: record, bytes, endedAt }) => answered(record, bytes, endedAt),
    runBegun: ({ queuedAt, begunAt }) => wait.observe((begunAt - queuedAt) / 1_000),
    runEnded: ({ end, runMs }) => byEnd[end].observe(runMs / 1_000),
    workerStarting: () => starts.add("", () => ({})),
    workerReady: ({ startMs }) => workerStart.observe(startMs / 1_000),
    workerEnded({ exit, restart }) {
      if (restart !== undefined) restarts.add(exit.code, () => ({ reason: exit.code }));
    },
  };

  function figures({ state, load }: Pick<ScoreRuntime, "state" | "load">): Figures {
    const workers = Object.entries(load?.workers ?? {}) as [WorkerState, number][];
    const takenAt = Date.now();
    const points: Figures["points"] = {
      http_server_active_requests: one(active),
      scorefn_queue_length: one(load?.waiting ?? 0),
      scorefn_queue_bytes: one(load?.waitingBytes ?? 0),
      scorefn_workers: workers.map(([name, value]) => ({ labels: { state: name }, value })),
      scorefn_worker_starts_total: starts.points(),
      scorefn_worker_restarts_total: restarts.points(),
      scorefn_ready: one(isReady(state) ? 1 : 0),
      scorefn_info: one(1, info),
      ...ofProcess?.points(),
    };
    const distributions: Figures["distributions"] = {
      http_server_request_duration_seconds: durations.distributions(),
      http_server_request_body_size_bytes: requestSizes.distributions(),
      http_server_response_body_size_bytes: responseSizes.distributions(),
      scorefn_run_duration_seconds: runs.distributions(),
      scorefn_queue_seconds: waits.distributions(),
      scorefn_worker_start_seconds: workerStarts.distributions(),
    };
    return { takenAt, own, points, distributions, workerPids: load?.pids ?? [] };
  }

  return { events, figures };
}

/** Figures of this process, for services that share it. */
export function createProcessRecorder(): { figures(): Figures } {
  const { points } = watchProcess();
  return { figures: () => ({ takenAt: Date.now(), own: {}, points: points(), distributions: {}, workerPids: [] }) };
}

function watchProcess(): { points(): Figures["points"] } {
  const eventLoopLag = watchEventLoop();
  return {
    points() {
      const { user, system } = process.cpuUsage();
      return {
        process_cpu_seconds_total: one((user + system) / 1e6),
        process_resident_memory_bytes: one(process.memoryUsage.rss()),
        process_start_time_seconds: one(performance.timeOrigin / 1_000),
        nodejs_eventloop_lag_max_seconds: one(eventLoopLag()),
      };
    },
  };
}

function one(value: number, labels: Labels = {}): Point[] {
  return [{ labels, value }];
}

function isReady(state: RuntimeState): boolean {
  return state === "ready" || state === "busy";
}

/** A request without a route has no such label. */
function routeLabels(route: string): Labels {
  return route === "" ? {} : { http_route: route };
}

function requestLabels(route: string, method: string, status: number, errorCode: string): Labels {
  return {
    ...routeLabels(route),
    http_request_method: method,
    http_response_status_code: status === OTHER_STATUS ? OTHER : String(status),
    ...(errorCode !== "" && { error_type: errorCode }),
  };
}
