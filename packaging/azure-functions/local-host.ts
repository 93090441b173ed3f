// Takes the place of the Azure Functions host and its language worker, in this process: it answers the library's
// `require("@azure/functions-core")`, takes what an app registers, and invokes it as the worker does, with the library's own
// code for requests, responses and the HTTP proxy. Not for production: keys are not asked for, and nothing is limited.
import { randomUUID } from "node:crypto";
import { type IncomingMessage, request as sendRequest } from "node:http";
import Module from "node:module";
import { toTarget } from "../../adapters/http/incoming.ts";
import type { HeaderList } from "../../src/host.ts";
import { type CoreCookie, cookieHeader } from "./local-host-cookies.ts";
import { isRoute, trimSlashes } from "./local-host-routes.ts";

export interface LocalRequest {
  /** Default: POST with a body, else GET. */
  readonly method?: string | undefined;
  /** Path and query. */
  readonly target: string;
  readonly headers?: HeaderList | undefined;
  readonly body?: string | Uint8Array | undefined;
  /** Sent without a Content-Length; the buffered transport of the real host loses such a body, and so does this. */
  readonly chunked?: boolean | undefined;
  /** Called with each piece of the answer's body as it arrives. */
  readonly onChunk?: ((chunk: Uint8Array) => void) | undefined;
}

export interface LocalResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
  /** False when the body broke off. */
  readonly complete: boolean;
}

/** A function app that was loaded. */
export interface LocalApp {
  readonly functions: readonly { readonly name: string; readonly bindings: Bindings }[];
  /** Runs the hooks of the start; requests come after it. */
  start(): Promise<void>;
  /** @throws when nothing answers within `limitMs` */
  send(request: LocalRequest): Promise<LocalResponse>;
  /** Calls the function with a trigger other than HTTP. */
  trigger(name: string): Promise<void>;
  terminate(): Promise<void>;
  /** What was logged through invocations, one record each. */
  readonly logged: readonly LoggedRecord[];
}

export interface LoggedRecord {
  readonly invocationId: string;
  readonly level: string;
  readonly text: string;
}

export interface LocalHostOptions {
  /** Milliseconds until an answer that does not come is given up. Default: 230,000, as the real front end. */
  readonly limitMs?: number;
  /** Of the host's own span of a request. */
  readonly traceParent?: string | undefined;
  readonly traceState?: string | undefined;
}

type Bindings = Record<string, Binding>;
interface Binding {
  readonly type: string;
  readonly route?: string;
  readonly methods?: readonly string[];
  readonly authLevel?: string;
}
interface Registered {
  readonly name: string;
  readonly bindings: Bindings;
  readonly callback: unknown;
}
interface CoreHttp {
  readonly statusCode: string;
  readonly headers: Record<string, string>;
  readonly cookies: readonly CoreCookie[];
  readonly body: { readonly bytes?: Uint8Array };
}
interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: unknown): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<{ returnValue?: { http: CoreHttp } | null }>;
}
interface ProgrammingModel {
  getInvocationModel(context: object): InvocationModel;
  getCapabilities(capabilities: object): Promise<{ HttpUri?: string }>;
}

type Hook = (context: object) => unknown;

/** What an app has registered so far. */
class Registry {
  readonly functions: Registered[] = [];
  readonly hooks: { name: string; hook: Hook }[] = [];

  async run(name: string, details: object = {}): Promise<void> {
    for (const entry of this.hooks) {
      if (entry.name === name) await entry.hook({ hookData: {}, appHookData: {}, ...details });
    }
  }
}

let current = new Registry();
let model: ProgrammingModel | undefined;
let capabilities: ReturnType<ProgrammingModel["getCapabilities"]> | undefined;

/** The part of the worker's API that the library calls. */
const core = {
  version: "1.0.0",
  hostVersion: "4.1000.0",
  workerVersion: "3.0.0",
  setProgrammingModel(given: ProgrammingModel) {
    model = given;
  },
  registerFunction({ name, bindings }: Registered, callback: unknown) {
    current.functions.push({ name, bindings, callback });
    return { dispose() {} };
  },
  registerHook(name: string, hook: Hook) {
    current.hooks.push({ name, hook });
    return { dispose() {} };
  },
  log() {},
};

/** Makes `require("@azure/functions-core")` succeed from now on. The library looks once, at its first registration. */
export function installCore(): void {
  const loader = Module as unknown as { _load: (this: unknown, request: string, ...rest: unknown[]) => unknown };
  const { _load } = loader;
  loader._load = function (request, ...rest) {
    return request === "@azure/functions-core" ? core : _load.call(this, request, ...rest);
  };
}

/** @param load imports the app's entry module, or registers by itself
 *  @throws what `load` throws, or when it registers nothing */
export async function loadApp(load: () => unknown, options: LocalHostOptions = {}): Promise<LocalApp> {
  const registry = new Registry();
  current = registry;
  await load();
  if (model === undefined || registry.functions.length === 0) throw new Error("the entry module registers no function");
  const { getInvocationModel } = bound(model);
  const logged: LoggedRecord[] = [];
  let proxy: string | undefined;

  /** As the worker does it. @param request the rest of the host's invocation request */
  async function invoke({ name, bindings, callback }: Registered, invocationId: string, request: object) {
    const log = (level: string, _category: string, text: string) => logged.push({ invocationId, level, text });
    const { traceParent, traceState = "" } = options;
    const traceContext =
      traceParent === undefined ? undefined : { traceParent, traceState, attributes: { OperationName: name } };
    const context = { invocationId, metadata: { name, bindings }, request: { ...request, traceContext }, log };
    const invocation = getInvocationModel(context);
    const { context: userContext, inputs } = await invocation.getArguments();
    await registry.run("preInvocation", { invocationContext: userContext, inputs, functionCallback: callback });
    const result = await invocation.invokeFunction(userContext, inputs, callback);
    return invocation.getResponse(userContext, result);
  }

  async function send(request: LocalRequest): Promise<LocalResponse> {
    const found = findFunction(registry.functions, request);
    if (found === undefined) return { status: 404, headers: [], body: Buffer.alloc(0), complete: true };
    const answered = proxy === undefined ? sendWhole(found, request) : sendByProxy(proxy, found, request);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const { limitMs = 230_000 } = options;
      timer = setTimeout(() => reject(new Error(`${found.name} did not answer within ${limitMs} ms`)), limitMs);
    });
    return Promise.race([answered, late]).finally(() => clearTimeout(timer));
  }

  async function sendWhole(found: Registered, request: LocalRequest): Promise<LocalResponse> {
    const failed = { status: 500, headers: [], body: Buffer.alloc(0), complete: true };
    const data = { http: toHttpMessage(request) };
    const inputData = [{ name: triggerOf(found)[0], data }];
    const response = await invoke(found, randomUUID(), { inputData, triggerMetadata: {} }).catch(() => undefined);
    if (response === undefined) return failed;
    const http = response.returnValue?.http;
    if (http === undefined) return { ...failed, status: 204 };
    const cookies = http.cookies.map((cookie) => ["set-cookie", cookieHeader(cookie)] as const);
    const body = Buffer.from(http.body.bytes ?? []);
    if (body.length > 0) request.onChunk?.(body);
    return {
      status: Number(http.statusCode),
      headers: [...Object.entries(http.headers), ...cookies],
      body,
      complete: true,
    };
  }

  function sendByProxy(uri: string, found: Registered, request: LocalRequest): Promise<LocalResponse> {
    const invocationId = randomUUID();
    const inputData = [{ name: triggerOf(found)[0], data: {} }];
    // Without an answer nobody learns of a failure, as with the real host.
    invoke(found, invocationId, { inputData, triggerMetadata: triggerMetadata(request) }).catch(() => {});
    const { target, body, onChunk } = request;
    const headers: Record<string, string> = { ...toHeaders(request), "x-ms-invocation-id": invocationId };
    headers["x-forwarded-host"] = "localhost";
    headers["x-forwarded-proto"] = "http";
    return new Promise((resolve, reject) => {
      const outgoing = sendRequest(
        new URL(target, uri),
        { method: methodOf(request), headers, agent: false },
        (incoming) => {
          readAnswer(incoming, onChunk).then(resolve, reject);
        },
      );
      outgoing.once("error", reject).end(body);
    });
  }

  return {
    functions: registry.functions,
    logged,
    send,
    async start() {
      await registry.run("appStart");
      // The library starts a proxy with every call.
      capabilities ??= model!.getCapabilities({});
      proxy = (await capabilities).HttpUri;
    },
    async trigger(name) {
      const found = registry.functions.find((candidate) => candidate.name === name);
      if (found === undefined) throw new Error(`there is no function ${name}`);
      await invoke(found, randomUUID(), {
        inputData: [{ name: triggerOf(found)[0], data: { json: "{}" } }],
        triggerMetadata: {},
      });
    },
    terminate: () => registry.run("appTerminate"),
  };
}

function bound(programmingModel: ProgrammingModel): Pick<ProgrammingModel, "getInvocationModel"> {
  return { getInvocationModel: (context) => programmingModel.getInvocationModel(context) };
}

function triggerOf({ name, bindings }: Pick<Registered, "name" | "bindings">): [name: string, binding: Binding] {
  const found = Object.entries(bindings).find(([, { type }]) => type.endsWith("Trigger"));
  if (found === undefined) throw new Error(`function ${name} has no trigger`);
  return found;
}

/** Routes count without regard to case and to slashes at their ends; a method that is not listed is no match. One that takes
 *  all that is below it comes last. */
function findFunction(functions: readonly Registered[], request: LocalRequest): Registered | undefined {
  const path = trimSlashes(toTarget(request.target).path.toLowerCase());
  const found = functions.filter((candidate) => {
    const [, { type, route = candidate.name, methods = [] }] = triggerOf(candidate);
    return (
      type === "httpTrigger" && isRoute(trimSlashes(route.toLowerCase()), path) && methods.includes(methodOf(request))
    );
  });
  return found.find((candidate) => !triggerOf(candidate)[1].route?.includes("{*")) ?? found[0];
}

function methodOf({ method, body }: LocalRequest): string {
  return method ?? (body === undefined ? "GET" : "POST");
}

function toHeaders({ headers = [], body, chunked }: LocalRequest): Record<string, string> {
  // A header may be called constructor.
  const joined: Record<string, string> = Object.create(null);
  if (body !== undefined && !chunked) joined["content-length"] = String(Buffer.byteLength(body));
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    joined[key] = key in joined ? `${joined[key]},${value.trim()}` : value.trim();
  }
  return joined;
}

/** The request as it stands in a message to the worker. */
function toHttpMessage(request: LocalRequest): object {
  const { target, body, chunked } = request;
  const nullable = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
  const query: Record<string, string> = {};
  for (const [name, value] of new URL(target, "http://localhost").searchParams) {
    query[name] = name in query ? `${query[name]},${value}` : value;
  }
  return {
    method: methodOf(request),
    url: `http://localhost${target}`,
    nullableHeaders: nullable(toHeaders(request)),
    nullableQuery: nullable(query),
    nullableParams: {},
    body: body === undefined || chunked ? null : { bytes: Buffer.from(body) },
  };
}

/** What travels beside a proxied request. Names count without regard to case, and the later ones win: query parameters and
 *  members of a JSON body can take the place of the headers. */
function triggerMetadata(request: LocalRequest): Record<string, object> {
  const { searchParams } = new URL(request.target, "http://localhost");
  const entries: [string, object][] = [
    ["Headers", { json: JSON.stringify(toHeaders(request)) }],
    ["Query", { json: JSON.stringify(Object.fromEntries(searchParams)) }],
  ];
  const set = (name: string, data: object): void => {
    const known = entries.find(([own]) => own.toLowerCase() === name.toLowerCase());
    if (known === undefined) entries.push([name, data]);
    else known[1] = data;
  };
  for (const [name, value] of searchParams) set(name, { string: value });
  if (request.body === undefined || request.chunked) return Object.fromEntries(entries);
  for (const [name, value] of Object.entries(tryParse(Buffer.from(request.body).toString()))) {
    if (typeof value === "object") set(name, { json: JSON.stringify(value) });
    else set(name, { string: String(value) });
  }
  return Object.fromEntries(entries);
}

function tryParse(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

/** Headers of the connection between proxy and host. */
const HOP_BY_HOP: ReadonlySet<string> = new Set(["connection", "keep-alive", "transfer-encoding"]);

function readAnswer(incoming: IncomingMessage, onChunk: LocalRequest["onChunk"]): Promise<LocalResponse> {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    onChunk?.(chunk);
  });
  // What comes after it is `close`, as after a whole answer.
  incoming.on("error", () => {});
  return new Promise((resolve) => {
    incoming.once("close", () => {
      const { statusCode: status = 0, rawHeaders, complete } = incoming;
      const headers = rawHeaders
        .flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name, rawHeaders[index + 1]!]] : []))
        .filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase()));
      resolve({ status, headers, body: Buffer.concat(chunks), complete });
    });
  });
}
