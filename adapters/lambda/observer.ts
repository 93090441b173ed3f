// Who observes a function: traces and metrics. Loaded only where one of them may be asked for.
import {
  type Events,
  mayHaveTelemetry,
  openTelemetryLater,
  type Telemetry,
  type UsableConfig,
} from "../../src/host.ts";
import { type AfterAnswer, afterAnswers } from "./after-answer.ts";
import type { LambdaContext } from "./deadline.ts";
import { createEmf } from "./emf.ts";
import { addResourceAttributes, isConcurrent, isProvisioned } from "./function-facts.ts";
import type { Environment } from "./settings.ts";
import { continueTrace, readPropagators, withTraceparents } from "./trace-in.ts";

/** How long what was traced may take to leave behind an answer, in milliseconds: paid for, and waited for by the request that
 *  comes next. */
const FLUSH_MS = 1_000;

/** How long the last of it may take once SIGTERM has come, in milliseconds: Lambda kills at 300 or 500. */
const LAST_FLUSH_MS = 100;

/** What is known of an invocation. */
interface Invocation {
  readonly id: string | undefined;
  readonly arn: string | undefined;
  readonly isColdStart: boolean;
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly receivedAt: number;
}

export interface Observer {
  readonly telemetry: Telemetry | undefined;
  readonly subscribers: readonly Events[];
  /** There is an extension that gives the function time behind its answers. */
  readonly isExtension: boolean;
  /** A request has come. Names in its headers the trace that it is to continue. */
  begun(request: ObservedRequest, context: LambdaContext | undefined): void;
  /** Its answer is made, or there is none. @returns undefined: the invocation may end; otherwise when it may */
  ended(request: ObservedRequest | undefined, context: LambdaContext | undefined): Promise<void> | undefined;
  /** Sends the last. Never rejects. */
  close(): Promise<void>;
}

/** A request, as the core will know it. */
export interface ObservedRequest {
  readonly headers: Record<string, string>;
}

export interface ObserverOptions {
  readonly config: UsableConfig["config"];
  readonly env: Environment;
  /** Gets lines of metrics; undefined: there are none. */
  readonly writeMetrics: ((text: string) => void) | undefined;
}

/** @returns undefined: there is nobody */
export async function openObserver({ config, env, writeMetrics }: ObserverOptions): Promise<Observer | undefined> {
  const invocations = new WeakMap<object, Invocation>();
  let latest: Invocation | undefined;
  /** A listener of the user's own makes requests of its own, one at a time unless there are several. */
  const invocationOf = (request: object): Invocation | undefined =>
    invocations.get(request) ?? (isConcurrent(env) ? undefined : latest);
  let isFirst = !isProvisioned(env);
  const propagators = readPropagators(env);

  async function open(): Promise<Telemetry | undefined> {
    addResourceAttributes(env);
    return openTelemetryLater(config, withTraceparents(env, propagators), {
      onRequestSpan: (span, { request }) => span.setAttributes(attributesOf(invocationOf(request))),
    });
  }

  const telemetry = mayHaveTelemetry(env) ? await open() : undefined;
  const { AWS_LAMBDA_FUNCTION_NAME: functionName = config.serviceName, AWS_LAMBDA_FUNCTION_VERSION: functionVersion } =
    env;
  const emf = writeMetrics && createEmf({ functionName, functionVersion, write: writeMetrics, invocationOf });
  if (telemetry === undefined && emf === undefined) return undefined;
  const isTraced = telemetry?.tracer !== undefined;
  const after = isTraced ? await extensionFor(telemetry, env) : undefined;

  return {
    telemetry,
    subscribers: emf === undefined ? [] : [emf.events],
    isExtension: after !== undefined,
    begun(request, context) {
      const { awsRequestId: id, invokedFunctionArn: arn } = context ?? {};
      latest = { id, arn, isColdStart: isFirst, receivedAt: performance.now() };
      invocations.set(request, latest);
      isFirst = false;
      if (id !== undefined) after?.begun(id);
      if (isTraced) continueTrace(request.headers, context, env, propagators);
      emf?.begun(request);
    },
    ended(request, context) {
      if (request !== undefined) emf?.ended(request);
      if (!isTraced || isConcurrent(env)) return undefined;
      const id = context?.awsRequestId;
      if (id !== undefined && after?.answered(id)) return undefined;
      return flush(telemetry, context?.getRemainingTimeInMillis?.() ?? FLUSH_MS);
    },
    close: async () => telemetry?.close(LAST_FLUSH_MS),
  };
}

function attributesOf(invocation: Invocation | undefined): Record<string, string | boolean> {
  if (invocation === undefined) return {};
  const { id, arn, isColdStart } = invocation;
  return {
    "faas.coldstart": isColdStart,
    ...(id !== undefined && { "faas.invocation_id": id }),
    ...(arn !== undefined && { "cloud.resource_id": arn }),
  };
}

/** None where several requests are answered at a time: nothing is frozen there, so what was traced leaves by itself. */
async function extensionFor(telemetry: Telemetry, env: Environment): Promise<AfterAnswer | undefined> {
  const { AWS_LAMBDA_RUNTIME_API: api } = env;
  if (api === undefined || isConcurrent(env)) return undefined;
  return afterAnswers(api, (remainingMs) => flush(telemetry, remainingMs));
}

function flush(telemetry: Telemetry, remainingMs: number): Promise<void> {
  return telemetry.flush(Math.max(0, Math.min(FLUSH_MS, remainingMs)));
}
