import { get, post, type Scenario } from "../scenario.ts";

const JSON_TYPE = { "Content-Type": "application/json" };

/** Libraries that reach into the process they run in: Flask's request, joblib's processes, compiled code. */
export const libraries: readonly Scenario[] = [
  {
    name: "API-20 flask.request in a run() that takes text",
    scripts: ["libraries/flask_members.py"],
    requests: [
      post('{"a": [1, "ü"]}', JSON_TYPE, "/score?x=1&x=2&y=%C3%BC"),
      post("not json", { ...JSON_TYPE, "X-One": "1", "X-Two": "a, b", Cookie: "c=d; e=f", Accept: "text/html" }),
      post("", { "User-Agent": "probe/1", Referer: "http://a.example/" }),
      post(new Uint8Array([0xc3, 0xbc]), { "Content-Type": "text/plain; charset=utf-8" }),
      get("/score?x=1&name=%20b"),
      get("/score"),
    ],
  },
  {
    name: "API-20 flask.request beside declared input and request_headers",
    scripts: ["libraries/flask_headers.py"],
    requests: [
      post('{"numbers": [1, 2]}', { ...JSON_TYPE, "X-One": "1" }, "/score?q"),
      post('{"numbers": [3]}', JSON_TYPE),
    ],
  },
  {
    name: "API-20 flask.request where run() imports Flask itself",
    scripts: ["libraries/flask_late.py"],
    requests: [post("first", { "X-One": "1" }, "/score?a=b"), post("second"), get("/score?a=b")],
  },
  {
    name: "LOAD-3 joblib's processes run the script's functions",
    scripts: ["libraries/joblib_pools.py"],
    requests: [post("1,2,3"), post("4"), post("1,-2")],
  },
  {
    name: "ERR-11 exceptions out of compiled code",
    scripts: ["libraries/compiled_errors.py"],
    requests: ["dates", "csv", "random", "tree"].map((way) => post(way)),
  },
];
