import { type CreateDriver, describeConformance, type WireRequest, type WireResponse } from "../conformance.ts";
import { describeModelConformance } from "../conformance-models.ts";
import { createService } from "../setup/service.ts";

/** The core by itself: what a host does to a request is done here in its shortest form. */
const createDriver: CreateDriver = async (script, env, runtimeOf) => {
  const { scorer, runtime, logged, close } = createService(script, env, runtimeOf);
  await runtime.start().catch(() => {});

  async function send(request: WireRequest): Promise<WireResponse> {
    const { target, headers: sent = [], body: sentBody, onChunk } = request;
    const { method = sentBody === undefined ? "GET" : "POST" } = request;
    const mark = target.indexOf("?");
    const path = mark < 0 ? target : target.slice(0, mark);
    const query = mark < 0 ? "" : target.slice(mark + 1);
    const { status, headers, body } = await scorer.handle({
      method,
      path,
      query,
      headers: joinHeaders(sent),
      body: Buffer.from(sentBody ?? ""),
    });
    const chunks: Uint8Array[] = [];
    let complete = true;
    if (typeof body === "string") chunks.push(Buffer.from(body));
    else if (body instanceof Uint8Array) chunks.push(body);
    else {
      try {
        for await (const chunk of body) {
          chunks.push(chunk);
          onChunk?.(chunk);
        }
      } catch {
        complete = false;
      }
    }
    return { status, headers, body: Buffer.concat(method === "HEAD" ? [] : chunks), complete };
  }
  return { send, logged, close };
};

function joinHeaders(headers: WireRequest["headers"] = []): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    joined[key] = key in joined ? `${joined[key]},${value.trim()}` : value.trim();
  }
  return joined;
}

const carries = { streams: true, anyTarget: true, exactNames: true };

describeConformance("core, Python in workers", { language: "python", createDriver, ...carries });
describeConformance("core, TypeScript in workers", { language: "typescript", createDriver, ...carries });
describeConformance("core, TypeScript in this process", {
  language: "typescript",
  createDriver: (script, env) => createDriver(script, { ...env, SCOREFN_SCRIPT_HOST: "in-process" }),
  ...carries,
});
describeModelConformance("core", { createDriver, anyTarget: true });
