import { request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Sends one request to any port, and takes the whole answer. fetch() knows ports that it refuses, and a limit of its own for headers.
 *  @param patienceMs for all of it   @throws Error when there is no whole answer */
export function post(
  uri: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  patienceMs: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(patienceMs);
    const fail = (error: Error): void =>
      reject(signal.aborted ? new Error(`no answer in ${patienceMs / 1000} s`, { cause: error }) : error);
    const all = { ...headers, "content-length": String(Buffer.byteLength(body)) };
    const outgoing = request(uri, { method: "POST", headers: all, agent: false, signal }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", fail);
      answer.on("end", () => {
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(chunks).toString("utf8"),
        });
      });
    });
    outgoing.on("error", fail);
    outgoing.end(body);
  });
}
