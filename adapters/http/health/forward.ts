import { request as sendRequest } from "node:http";
import {
  type Address,
  needsScript,
  OverloadError,
  type ScoreHandler,
  type ScoreResponse,
  type Scorer,
} from "../../../src/host.ts";

/** Those that the routes take which need the script. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "OPTIONS"]);

/** Headers of a connection, which are not handed on. A body is handed on as one whole, so nothing can come behind it. */
const OWN: ReadonlySet<string> = new Set([
  ...["connection", "content-length", "date", "expect", "keep-alive", "trailer", "transfer-encoding", "upgrade"],
]);

/** @param path decoded */
export function isForwarded(method: string, path: string, hasModel: boolean): boolean {
  return needsScript(path, hasModel) && METHODS.has(method);
}

/** Hands requests on to the score port, as a client of it. Never rejects.
 *  @param local answers while it takes no connections, and what cannot be sent to it */
export function createForward({ host, port }: Address, local: Pick<Scorer, "refuse" | "failed">): ScoreHandler {
  return (request) =>
    new Promise<ScoreResponse>((resolve) => {
      const { method, path, query, body, signal } = request;
      const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !OWN.has(name)));
      if (body.length > 0 || method === "POST") headers["content-length"] = String(body.length);
      const target = query === "" ? path : `${path}?${query}`;
      const sent = sendRequest({ host: reachable(host), port, method, path: target, headers, agent: false });
      const leave = (): void => {
        resolve(NOTHING);
        sent.destroy();
      };
      if (signal?.aborted) leave();
      else signal?.addEventListener("abort", leave);
      sent.once("response", (answer) => {
        // What fails from here on, the answer tells.
        sent.off("error", unreachable).on("error", () => {});
        const { statusCode: status = 0, rawHeaders: raw } = answer;
        const pairs = raw.flatMap((name, index): [string, string][] =>
          index % 2 > 0 || (OWN.has(name.toLowerCase()) && name !== "Content-Length") ? [] : [[name, raw[index + 1]!]],
        );
        // The score port has written the access record.
        resolve({ status, headers: pairs, body: answer, isUnrecorded: true });
      });
      const unreachable = (): void => {
        if (signal?.aborted) return;
        const message = "The score port takes no connections; try again later.";
        resolve(local.refuse(request, new OverloadError("ERR_OVERLOAD", message)));
      };
      sent.on("error", unreachable);
      sent.end(body);
    }).catch((error: unknown) => local.failed(request, error));
}

/** For a client that has left. */
const NOTHING: ScoreResponse = { status: 503, headers: [], body: "", isUnrecorded: true };

/** Whoever listens everywhere is reached here. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
