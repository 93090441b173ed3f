import { get, post, type Scenario, send } from "../scenario.ts";

const JSON_TYPE = { "Content-Type": "application/json" };
const bytes = (hex: string) => Buffer.from(hex, "hex");
const LONG = "x".repeat(101);
const FULL = "x".repeat(100);

const methods = ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"] as const;
const knownPaths = ["/", "/score", "/swagger.json"] as const;
const unknownPaths = ["/nowhere", "/score/", "/Score", "/score/x", "/score;x", "/./score", "/scor%C3%A9"] as const;

const queries = [
  "a=1&b=[1,2]&c=a&d=null&e=&f&g=1e3",
  "h=NaN&i=%22q%22&j=01&b=+1+&m=+&l=true",
  "k=1&k=x&K=2&k=[3]",
  "x=%zz&y=%ff&z=%E6%97%A5&w=a%2Bb",
  "a;b=1&&=empty",
  "big=123456789012345678901234567890&inf=1e400&minus=-0&deep=%7B%22a%22:[1.0,%7B%7D]%7D",
  "dup=%7B%22a%22:1,%22a%22:2%7D&bad=%7B%22a%22:&sur=%22%5Cud800%22",
];

const bodies = ["", " ", "not JSON", '{"data": [1, 2]}', "é日😀", "\ufeffmark", "a\r\nb\u0000c"];
const notUtf8 = ["ff", "6162e2", "c3", "61e282", "e22861", "6161e28228", "eda080", "f5", "80", "f09f98"];

const ids: readonly Record<string, string>[] = [
  {},
  { "x-request-id": "A" },
  { "x-ms-request-id": "B" },
  { "x-ms-client-request-id": "C" },
  { "x-request-id": "A", "x-ms-request-id": "B" },
  { "x-request-id": "A", "x-ms-client-request-id": "C" },
  { "x-ms-request-id": "B", "x-ms-client-request-id": "C" },
  { "x-request-id": "A", "x-ms-request-id": "B", "x-ms-client-request-id": "C" },
  { "x-request-id": "" },
  { "x-ms-request-id": "", "x-ms-client-request-id": "" },
  { "X-Request-Id": "  padded  ", TraceId: "trace" },
  { traceid: "" },
  { "trace-id": "no" },
];

const longIds: readonly Record<string, string>[] = [
  { "x-request-id": LONG },
  { "x-ms-request-id": LONG },
  { "x-ms-client-request-id": LONG, TraceId: "t" },
  { "x-request-id": LONG, "x-ms-request-id": LONG },
  { "x-request-id": FULL, "x-ms-request-id": FULL, "x-ms-client-request-id": FULL },
];

/** RT, IN-1 to IN-8, HDR, SW-1 to SW-7: everything that can be asked of a script that gives back what it was given. */
export const requests: readonly Scenario[] = [
  {
    name: "RT routes and methods",
    scripts: ["echo.py"],
    requests: [
      ...knownPaths.map((path) => get(path)),
      ...knownPaths.flatMap((path) => methods.map((method) => send(method, path))),
      post("", {}, "/"),
      post("", {}, "/swagger.json"),
      ...unknownPaths.map((path) => get(path)),
      post("x", {}, "/%73core"),
      post("x", {}, "/score?a=1"),
      get("/?version=3"),
      send("GET", "/score", '{"ignored": true}', JSON_TYPE),
      send("PUT", "/score", "x", { "x-request-id": "A" }),
    ],
  },
  { name: "IN-1 query strings", scripts: ["echo.py"], requests: queries.map((query) => get(`/score?${query}`)) },
  {
    name: "IN-6 bodies",
    scripts: ["echo.py"],
    requests: [
      ...bodies.map((body) => post(body)),
      ...bodies.slice(2, 4).map((body) => post(body, JSON_TYPE)),
      post("é", { "Content-Type": "text/plain; charset=latin-1" }),
      ...notUtf8.map((hex) => post(bytes(hex))),
    ],
  },
  {
    name: "IN-8 forms",
    scripts: ["echo.py"],
    requests: [
      post("a=1", { "Content-Type": "application/x-www-form-urlencoded" }),
      post("a=1", { "Content-Type": "multipart/form-data; boundary=x" }),
    ],
  },
  {
    name: "HDR-6 request ids",
    scripts: ["echo.py"],
    requests: [
      ...ids.map((headers) => get("/score", headers)),
      ...longIds.flatMap((headers) => [get("/score", headers), get("/", headers)]),
      get("/nowhere", { "x-request-id": LONG }),
      get("/nowhere", { "x-ms-request-id": "B" }),
    ],
  },
  {
    name: "SW-2 SW-3 SW-15 SW-16 swagger versions",
    scripts: ["echo.py"],
    requests: ["", "2", "2.0", "3", "3.0", "3.1", "4", "3.1.0", "%203", "&version=3"]
      .map((version) => get(`/swagger.json?version=${version}`))
      .concat([get("/swagger.json"), get("/swagger.json?Version=3"), get("/swagger.json?version=3&version=4")]),
  },
  {
    name: "SW-9 swagger placeholders",
    scripts: ["echo.py"],
    env: { SERVICE_NAME: "näme", SERVICE_VERSION: "7", SERVICE_PATH_PREFIX: "/a/b/" },
    requests: ["2", "3", "3.1"].map((version) => get(`/swagger.json?version=${version}`)),
  },
  {
    name: "IN-21 request headers",
    scripts: ["request_headers.py"],
    requests: [
      get("/score"),
      post("x", { "x-foo-BAR": "1", "content-md5": "abc", Cookie: "a=b", under_score: "no", "Content-Type": "text/x" }),
      {
        label: "repeated header",
        method: "POST",
        path: "/score",
        headers: [
          ["Repeated", "1"],
          ["repeated", "2"],
        ],
        body: "",
      },
    ],
  },
  { name: "SIG-6 second argument with a default", scripts: ["second_argument.py"], requests: [post("x")] },
  { name: "SIG-6 second argument without one", scripts: ["missing_default.py"], requests: [post("x")] },
];
