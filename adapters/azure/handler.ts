import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import { DeadlineError, type Log, ScoreError, type Scorer, toScoreError } from "../../src/host.ts";
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
  /** Milliseconds after which a request is answered 504. Default: 228,000. */
  readonly limitMs?: number;
  /** Gives the headers that a request came with, by the id of its invocation; those the library gives may be others. */
  readonly headersOf?: (invocationId: string) => Record<string, string> | undefined;
}

/** The load balancer in front of every function app gives up after 230 s; ours is the answer that says so. */
const LIMIT_MS = 228_000;

/** A handler of HTTP triggers. It never rejects and always returns a response that the library can send: with HTTP
 *  streaming on, anything else leaves the client without an answer.
 *  @param log as of `createAppLog`; another one works, and knows no invocations */
export function toAzureHandler(scorer: Scorer, options: AzureOptions, log: Log): HttpHandler {
  const { streaming, maxBodyBytes, limitMs = LIMIT_MS, headersOf } = options;

  return async (request, context) => {
    const invocation = new InvocationLog(log, context);
    const signal = new ClientSignal();
    const timer = setTimeout(() => signal.abort(new DeadlineError(limitMs)), limitMs);
    try {
      return await answer(request, context, invocation, signal);
    } catch (error) {
      invocation.server.error(`Encountered Exception: ${toScoreError(error).stack}\n`);
      return INTERNAL_ERROR;
    } finally {
      clearTimeout(timer);
      invocation.close();
    }
  };

  async function answer(
    request: HttpRequest,
    context: InvocationContext,
    invocation: Log,
    signal: ClientSignal,
  ): Promise<HttpResponseInit> {
    const receivedAt = performance.now();
    const head = toRequestHead(request, context, invocation, headersOf?.(context.invocationId));
    const to: ToResponse = { method: head.method, log: invocation, failed: (error) => scorer.refuse(head, error) };
    try {
      const body = await readBody(request, head.headers, maxBodyBytes);
      const scored = await scorer.handle({ ...head, body, signal, receivedAt });
      return toResponseInit(streaming ? scored : await toWholeAnswer(scored, to), to);
    } catch (error) {
      if (!(error instanceof ScoreError)) throw error;
      return toResponseInit(scorer.refuse(head, error), to);
    }
  }
}
