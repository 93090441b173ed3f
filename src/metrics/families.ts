// Every metric family: name, meaning, type. docs/monitoring.md says the same at length; a test compares the two.

/** OpenTelemetry's buckets for request times in seconds, so that both roads into Prometheus give the same series. */
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** For what may also take a millisecond, or as long as the longest limit that is set by default. */
const LONG_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** 100 bytes to a gigabyte. */
const BYTES = [100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

export interface Family {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** Upper bounds of a histogram's buckets, the last one, infinity, apart. */
  readonly bounds?: readonly number[];
}

export type FamilyName =
  | "http_server_request_duration_seconds"
  | "http_server_request_body_size_bytes"
  | "http_server_response_body_size_bytes"
  | "http_server_active_requests"
  | "scorefn_run_duration_seconds"
  | "scorefn_queue_seconds"
  | "scorefn_queue_length"
  | "scorefn_queue_bytes"
  | "scorefn_workers"
  | "scorefn_worker_start_seconds"
  | "scorefn_worker_starts_total"
  | "scorefn_worker_restarts_total"
  | "scorefn_workers_resident_memory_bytes"
  | "scorefn_ready"
  | "scorefn_info"
  | "scorefn_metrics_age_seconds"
  | "process_cpu_seconds_total"
  | "process_resident_memory_bytes"
  | "process_start_time_seconds"
  | "nodejs_eventloop_lag_max_seconds";

/** Of a gateway in front of several services. */
export type GatewayFamilyName =
  | "scorefn_gateway_requests_total"
  | "scorefn_gateway_request_duration_seconds"
  | "scorefn_gateway_active_requests"
  | "scorefn_gateway_request_limit"
  | "scorefn_instances";

/** They stand on a page only where there is such a gateway. */
export const GATEWAY_FAMILIES: Readonly<Record<GatewayFamilyName, Family>> = {
  scorefn_gateway_requests_total: {
    type: "counter",
    help: "Requests by what their clients got, refusals included.",
  },
  scorefn_gateway_request_duration_seconds: {
    type: "histogram",
    help: "Time from the head of a request until its client has the answer; clients that left apart.",
    bounds: REQUEST_SECONDS,
  },
  scorefn_gateway_active_requests: { type: "gauge", help: "Requests that the deployment has not answered yet." },
  scorefn_gateway_request_limit: { type: "gauge", help: "How many may be under way; further ones are refused." },
  scorefn_instances: { type: "gauge", help: "Instances of the deployment that are there." },
};

export const FAMILIES: Readonly<Record<FamilyName, Family>> = {
  http_server_request_duration_seconds: {
    type: "histogram",
    help: "Time from the head of a request until its answer is made, or has been streamed.",
    bounds: REQUEST_SECONDS,
  },
  http_server_request_body_size_bytes: {
    type: "histogram",
    help: "Size of request bodies, as far as they were read.",
    bounds: BYTES,
  },
  http_server_response_body_size_bytes: { type: "histogram", help: "Size of the bodies of answers.", bounds: BYTES },
  http_server_active_requests: {
    type: "gauge",
    help: "Requests that are under way: received whole, not yet answered.",
  },
  scorefn_run_duration_seconds: {
    type: "histogram",
    help: "Time that run() took, by how it ended.",
    bounds: LONG_SECONDS,
  },
  scorefn_queue_seconds: {
    type: "histogram",
    help: "Time that requests waited for a worker until they began.",
    bounds: LONG_SECONDS,
  },
  scorefn_queue_length: { type: "gauge", help: "Requests that wait for a worker." },
  scorefn_queue_bytes: { type: "gauge", help: "Bytes of the bodies of requests that wait for a worker." },
  scorefn_workers: { type: "gauge", help: "Places for workers, by state: starting, idle, busy, dead." },
  scorefn_worker_start_seconds: {
    type: "histogram",
    help: "Time from the start of a worker process until init() was done.",
    bounds: LONG_SECONDS,
  },
  scorefn_worker_starts_total: { type: "counter", help: "Worker processes started." },
  scorefn_worker_restarts_total: { type: "counter", help: "Worker processes that ended and are replaced, by reason." },
  scorefn_workers_resident_memory_bytes: { type: "gauge", help: "Resident memory of all worker processes (Linux)." },
  scorefn_ready: { type: "gauge", help: "1 while the script can take requests, 0 otherwise." },
  scorefn_info: { type: "gauge", help: "Always 1; its labels tell version, language and script." },
  scorefn_metrics_age_seconds: {
    type: "gauge",
    help: "How old these figures are: more than 1 s on the health port means that the server's event loop is blocked.",
  },
  process_cpu_seconds_total: { type: "counter", help: "CPU time of the server process, workers apart." },
  process_resident_memory_bytes: { type: "gauge", help: "Resident memory of the server process, workers apart." },
  process_start_time_seconds: { type: "gauge", help: "When the server process was started, in seconds since 1970." },
  nodejs_eventloop_lag_max_seconds: {
    type: "gauge",
    help: "Longest delay of the server's event loop within the last 10 s or so.",
  },
};

export type AnyFamilyName = FamilyName | GatewayFamilyName;

/** Names and values of labels. Values come from tables of ours or from settings, never from a client. */
export type Labels = Readonly<Record<string, string>>;

/** One request that a bucket stands for. */
export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  /** Seconds since 1970. */
  readonly at: number;
}

/** A counter or gauge with one set of labels. */
export interface Point {
  readonly labels: Labels;
  readonly value: number;
}

/** A histogram with one set of labels; buckets are counted each for itself. */
export interface Distribution {
  readonly labels: Labels;
  readonly counts: readonly number[];
  readonly sum: number;
  readonly exemplars: readonly (Exemplar | undefined)[];
}

/** All figures at one moment: plain data, which can be sent to another thread. */
export interface Figures {
  /** Milliseconds since 1970. */
  readonly takenAt: number;
  /** Labels of all of them. */
  readonly own: Labels;
  readonly points: Readonly<Partial<Record<AnyFamilyName, readonly Point[]>>>;
  readonly distributions: Readonly<Partial<Record<AnyFamilyName, readonly Distribution[]>>>;
  /** Whose memory is read when somebody asks. */
  readonly workerPids: readonly number[];
}
