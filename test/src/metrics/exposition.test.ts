import { expect, test } from "vitest";
import type { RequestAnswered } from "../../../src/core/events.ts";
import { resolveIds } from "../../../src/core/headers.ts";
import { expose } from "../../../src/metrics/exposition.ts";
import { FAMILIES } from "../../../src/metrics/families.ts";
import { createRecorder } from "../../../src/metrics/recorder.ts";

function answered(seconds: number, more: Partial<RequestAnswered> = {}): RequestAnswered {
  return {
    request: { method: "POST", path: "/score", query: "", headers: {} },
    ids: resolveIds({}, () => "r"),
    route: "/score",
    isLogged: true,
    response: { status: 200, headers: [], body: "é" },
    requestBytes: 3,
    wasReceived: true,
    startedAt: 0,
    endedAt: seconds * 1_000,
    ...more,
  };
}

test("buckets add up, and hold values up to their bound", async () => {
  const { events, figures } = createRecorder({});
  for (const seconds of [0, 0.005, 0.006, 10, 11]) events.requestAnswered!(answered(seconds));
  const { text } = await expose([figures({ state: "ready" })], "", Date.now());
  const count = (le: string) => Number(new RegExp(`_duration_seconds_bucket\\{.*le="${le}"\\} (\\d+)`).exec(text)?.[1]);
  expect(["0.005", "0.01", "10", "\\+Inf"].map(count)).toEqual([2, 3, 4, 5]);
  expect(text).toMatch(/http_server_request_duration_seconds_sum\{.*\} 21\.011\n/);
  expect(text).toContain('http_server_response_body_size_bytes_sum{http_route="/score"} 10\n');
  expect(text).toContain('http_server_request_body_size_bytes_sum{http_route="/score"} 15\n');
});

test("several services stand side by side, each with its own labels, and odd values are escaped", async () => {
  const blue = createRecorder({ script: 'a"b\\c\nd.py' }, { deployment: "blue" });
  const green = createRecorder({ script: "score.py" }, { deployment: "green" });
  blue.events.requestReceived!({ request: answered(0).request, ids: answered(0).ids, route: "/score" });
  blue.events.runEnded!({ call: {} as never, pid: 1, end: "ok", runMs: 2_000 });
  const { text } = await expose([blue.figures({ state: "ready" }), green.figures({ state: "failed" })], "", Date.now());
  expect(text).toContain('scorefn_info{script="a\\"b\\\\c\\nd.py",deployment="blue"} 1\n');
  expect(text).toContain('http_server_active_requests{deployment="blue"} 1\n');
  expect(text).toContain('http_server_active_requests{deployment="green"} 0\n');
  expect(text).toContain('scorefn_ready{deployment="green"} 0\n');
  expect(text).toContain('scorefn_run_duration_seconds_sum{outcome="ok",deployment="blue"} 2\n');
  for (const name of Object.keys(FAMILIES)) expect(text.split(`# TYPE ${name} `)).toHaveLength(2);
});

test("nothing measured yet gives a page all the same", async () => {
  const { text, contentType } = await expose([], "application/openmetrics-text", 0);
  expect(text).toMatch(/# EOF\n$/);
  expect(contentType).toContain("openmetrics");
});

test("what has not happened yet stands at 0", async () => {
  const { text } = await expose([createRecorder({}).figures({ state: "loading" })], "", Date.now());
  for (const end of ["ok", "bad_input", "error", "timeout", "interrupted", "worker_exit"]) {
    expect(text).toContain(`scorefn_run_duration_seconds_count{outcome="${end}"} 0\n`);
  }
  expect(text).toContain("scorefn_queue_seconds_count 0\n");
});

test("requests that were refused before they were received leave the number under way alone", () => {
  const { events, figures } = createRecorder({});
  events.requestAnswered!(answered(0, { wasReceived: false }));
  expect(figures({ state: "ready" }).points.http_server_active_requests).toEqual([{ labels: {}, value: 0 }]);
});
