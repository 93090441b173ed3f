import type { HttpHandler, HttpRequest, HttpResponseInit } from "@azure/functions";
import { DeadlineError, type Log, ScoreError, type ScoreRequest, type Scorer, toScoreError } from "../../src/host.ts";
import { ClientSignal } from "../http/client-signal.ts";
import { readBody, toRequestHead } from "./incoming.ts";
import { InvocationLog } from "./log.ts";
import { INTERNAL_ERROR, type ToResponse, toResponseInit, toWholeAnswer } from "./outgoing.ts";

export interface AzureOptions {
  /** True when the app was set up with `enableHttpStream`: answers may leave piece by piece. Otherwise they are collected
   *  first, so that one that fails midway is an error and not half an answer. */
  readonly streaming: boolean;
  /** Largest request body in bytes; 0: no limit of ours. */
  readonly maxBodyBytes: number;
  /** Milliseconds after which a request gets 504. Default: 228,000. */
  readonly limitMs?: number;
  /** Gives the headers that a request came with, by the id of its invocation; those the library gives may be others. */
  readonly headersOf?: (invocationId: string) => Record<string, string> | undefined;
}

/** The load balancer in front of every function app gives up after 230 s; ours is the answer that says so. */
export const LIMIT_MS = 228_000;

/** So long after a request was told to end it is answered for it, in milliseconds. */
const PATIENCE_MS = 500;

/** A handler of HTTP triggers. It never rejects, ends in time whatever the script does, and always returns a response that the library can send: with HTTP
 *  streaming on, anything else leaves the client without an answer.
 *  @param log as of `createAppLog`; another one works, and knows no invocations */
export function toAzureHandler(scorer: Scorer, options: AzureOptions, log: Log): HttpHandler {
  const { streaming, maxBodyBytes, limitMs = LIMIT_MS, headersOf } = options;

  return async (request, context) => {
    const receivedAt = performance.now();
    const invocation = new InvocationLog(log, context);
    const signal = new ClientSignal();
    let timer: NodeJS.Timeout | undefined;
    try {
      const head = toRequestHead(request, context, invocation, headersOf?.(context.invocationId));
      const to: ToResponse = {
        method: head.method,
        log: invocation,
        signal,
        failed: (error) => scorer.refuse(head, error),
      };
      const late = new Promise<HttpResponseInit>((resolve, reject) => {
        timer = setTimeout(() => {
          const error = new DeadlineError(limitMs);
          signal.abort(error);
          const answerLate = (): void => resolve(toResponseInit(to.failed(error), to));
          timer = setTimeout(() => Promise.resolve().then(answerLate).catch(reject), PATIENCE_MS);
        }, limitMs);
      });
      return await Promise.race([answer(request, { ...head, signal, receivedAt }, to), late]);
    } catch (error) {
      report(invocation, error);
      return INTERNAL_ERROR;
    } finally {
      clearTimeout(timer);
      invocation.close();
    }
  };

  async function answer(
    request: HttpRequest,
    head: Omit<ScoreRequest, "body">,
    to: ToResponse,
  ): Promise<HttpResponseInit> {
    try {
      const body = await readBody(request, head.headers, maxBodyBytes);
      const scored = await scorer.handle({ ...head, body });
      return toResponseInit(streaming ? scored : await toWholeAnswer(scored, to), to);
    } catch (error) {
      if (!(error instanceof ScoreError)) throw error;
      return toResponseInit(to.failed(error), to);
    }
  }
}

/** A log that fails costs no answer. */
function report(log: Log, error: unknown): void {
  try {
    log.server.error(`Encountered Exception: ${toScoreError(error).stack}\n`);
  } catch {
    // There is nowhere left to tell.
  }
}
