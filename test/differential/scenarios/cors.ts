import { get, type LabelledRequest, post, type Scenario, send } from "../scenario.ts";

const from = (origin: string): LabelledRequest => get("/", { Origin: origin });

function preflight(path: string, method: string, headers: Record<string, string> = {}): LabelledRequest {
  return send("OPTIONS", path, undefined, { "Access-Control-Request-Method": method, ...headers });
}

const settings: Readonly<Record<string, readonly string[]>> = {
  "a.com": ["a.com", "A.com", "b.com", "a.com.evil"],
  "*": ["a.com"],
  ".*": ["a.com"],
  "*, a.com": ["a.com", "b.com"],
  " b.com ,A.com": ["b.com", "a.com", "c.com"],
  "a.com, a.com": ["a.com"],
  "https?://(a|b)\\.x\\.com": ["http://a.x.com", "HTTPS://B.X.COM", "http://a.x.com.evil", "xhttp://a.x.com"],
  "(?i)ZZ, x?y$, https:\\/\\/my\\-s\\.com(:\\d+)?$, q[a\\-z]+$": [
    "zz",
    "xyz",
    "xy",
    "https://my-s.com:8",
    "qa-z",
    "qab",
  ],
  "[^]]+z, (?P<n>h)t+p, \\Aq\\Z": ["abz", "http", "q", "qq"],
};

/** CORS: who is let in, and where. */
export const cors: readonly Scenario[] = [
  ...Object.entries(settings).map(([origins, asked]) => ({
    name: `CORS-3 ${origins}`,
    scripts: ["echo.py"],
    env: { AML_CORS_ORIGINS: origins },
    requests: [get("/"), ...asked.map(from)],
  })),
  {
    name: "CORS-2 where",
    scripts: ["echo.py"],
    args: ["--entry_script", "echo.py", "--access_control_allow_origins", "a.com, b.com"],
    requests: [
      post("x", { Origin: "a.com" }),
      post(Buffer.from("ff", "hex"), { Origin: "a.com" }),
      ...["/swagger.json", "/swagger.json?version=9", "/nowhere"].map((path) => get(path, { Origin: "a.com" })),
      ...["HEAD", "PUT", "OPTIONS"].map((method) => send(method, "/score", undefined, { Origin: "a.com" })),
      get("/", { Origin: "a.com", "x-request-id": "x".repeat(101) }),
    ],
  },
  {
    name: "CORS-7 preflight",
    scripts: ["echo.py"],
    env: { AML_CORS_ORIGINS: "a.com, b.com" },
    requests: [
      ...["/", "/score", "/swagger.json"].map((path) => preflight(path, "POST", { Origin: "a.com" })),
      preflight("/score", "get", { Origin: "a.com", "Access-Control-Request-Headers": "x-b,X-A, c,,c" }),
      preflight("/score", "DELETE", { Origin: "a.com", "Access-Control-Request-Headers": "x" }),
      preflight("/score", "POST", { Origin: "evil.com" }),
      preflight("/score", "POST"),
      preflight("/score", "POST", { Origin: "a.com", "Access-Control-Request-Private-Network": "true" }),
      get("/", { Origin: "a.com", "Access-Control-Request-Private-Network": "true" }),
    ],
  },
  { name: "CORS-2 run fails", scripts: ["raises.py"], env: { AML_CORS_ORIGINS: "*" }, requests: [post("deeper")] },
  {
    name: "CORS-10 empty",
    scripts: ["echo.py"],
    args: ["--entry_script", "echo.py", "--access_control_allow_origins", ""],
    requests: [from("a.com")],
  },
];
