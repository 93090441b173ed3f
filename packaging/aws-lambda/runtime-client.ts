// Runs a function the way Lambda's own runtime client does, for `scorefn invoke` and the tests: asks for an event, calls
// the handler, posts what it returns. Started with AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT and _HANDLER set.
import { Agent, type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import { processEnvironment } from "../../adapters/lambda/settings.ts";

type Handler = (event: unknown, context: object) => unknown;
type StreamingHandler = (event: unknown, stream: Writable, context: object) => Promise<void>;

const STREAMING = Symbol("streaming");
const HEAD_TYPE = "application/vnd.awslambda.http-integration-response";
const agent = new Agent({ keepAlive: true });

const { AWS_LAMBDA_RUNTIME_API: api = "", LAMBDA_TASK_ROOT: root = ".", _HANDLER: name = "" } = processEnvironment;
const base = `http://${api}/2018-06-01/runtime`;

/** What the runtime offers to functions that stream. */
Object.assign(globalThis, {
  awslambda: {
    streamifyResponse: (handler: StreamingHandler) => Object.assign(handler, { [STREAMING]: true }),
    HttpResponseStream: { from: withHead },
  },
});

/** As the real one does, it writes the head in front of the first piece, and never without one. */
function withHead(stream: Writable & { setContentType?(type: string): void }, head: object): Writable {
  stream.setContentType?.(HEAD_TYPE);
  const { write } = stream;
  stream.write = ((...args: Parameters<typeof write>) => {
    stream.write = write;
    stream.write(Buffer.concat([Buffer.from(JSON.stringify(head)), Buffer.alloc(8)]));
    return stream.write(...args);
  }) as typeof write;
  return stream;
}

async function main(): Promise<void> {
  const [file = "index", exported = "handler"] = name.split(".");
  let handler: Handler & { [STREAMING]?: boolean };
  try {
    const module = (await import(pathToFileURL(join(root, `${file}.mjs`)).href)) as Record<string, unknown>;
    if (typeof module[exported] !== "function") throw new TypeError(`${name} is not a function`);
    handler = module[exported] as Handler;
  } catch (error) {
    await post("/init/error", JSON.stringify(describe(error)));
    process.exit(1);
  }
  for (;;) {
    const response = await ask();
    const event: unknown = JSON.parse((await readAll(response)).toString());
    const id = String(response.headers["lambda-runtime-aws-request-id"]);
    const deadline = Number(response.headers["lambda-runtime-deadline-ms"]);
    const traceId = response.headers["lambda-runtime-trace-id"]?.toString();
    if (traceId === undefined) delete processEnvironment._X_AMZN_TRACE_ID;
    else processEnvironment._X_AMZN_TRACE_ID = traceId;
    const context = {
      awsRequestId: id,
      invokedFunctionArn: response.headers["lambda-runtime-invoked-function-arn"],
      getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    };
    if (handler[STREAMING]) await stream(id, (out) => (handler as unknown as StreamingHandler)(event, out, context));
    else await answer(id, () => handler(event, context));
  }
}

async function answer(id: string, call: () => unknown): Promise<void> {
  let path = "response";
  let body: string;
  try {
    body = JSON.stringify(await call()) ?? "null";
  } catch (error) {
    path = "error";
    body = JSON.stringify(describe(error));
  }
  await post(`/invocation/${id}/${path}`, body);
}

/** Begins to post with the first piece, and says in a trailer when the function fails later. */
async function stream(id: string, call: (out: Writable) => Promise<void>): Promise<void> {
  let type = "application/octet-stream";
  let posting: ReturnType<typeof request> | undefined;
  const begin = (): ReturnType<typeof request> => {
    posting ??= request(`${base}/invocation/${id}/response`, {
      method: "POST",
      agent,
      headers: {
        "Content-Type": type,
        "Lambda-Runtime-Function-Response-Mode": "streaming",
        "Transfer-Encoding": "chunked",
        Trailer: "Lambda-Runtime-Function-Error-Type",
      },
    });
    return posting;
  };
  const out = Object.assign(
    new Writable({
      write: (chunk, _encoding, done) => void begin().write(chunk, done),
      final: (done) => {
        begin();
        done();
      },
    }),
    {
      setContentType: (given: string) => {
        type = given;
      },
    },
  );
  out.on("error", () => {});
  try {
    await call(out);
  } catch (error) {
    if (posting === undefined) return answer(id, () => Promise.reject(error));
    posting.addTrailers({ "Lambda-Runtime-Function-Error-Type": describe(error).errorType });
  }
  // What was written may still be on its way from the one stream into the other.
  if (!out.writableFinished) await new Promise<void>((resolve) => out.end(() => resolve()));
  const sent = begin();
  await new Promise<void>((resolve, reject) => {
    sent.once("response", (response) => response.resume().once("end", resolve)).once("error", reject);
    sent.end();
  });
}

function describe(error: unknown): { errorType: string; errorMessage: string; stackTrace: string[] } {
  const { name: errorType, message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  return { errorType, errorMessage: message, stackTrace: stack.split("\n").slice(1) };
}

function ask(): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(`${base}/invocation/next`, { agent }, resolve).once("error", reject).end();
  });
}

function post(path: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    request(base + path, { method: "POST", agent, headers }, (response) => response.resume().once("end", resolve))
      .once("error", reject)
      .end(body);
  });
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

main().catch((error: NodeJS.ErrnoException) => {
  // The API has gone: so does the function.
  if (error.code !== "ECONNRESET" && error.code !== "ECONNREFUSED") console.error(error);
  process.exit(1);
});
