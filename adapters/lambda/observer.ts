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
}

export interface Observer {
  readonly telemetry: Telemetry | undefined;
  readonly subscribers: readonly Events[];
  /** There is an extension that gives the function time behind its answers. */
  readonly isExtension: boolean;
  /** A request has come. Names in its headers the trace that it is to continue.
   *  @param request what the core will know it by */
  begun(request: { readonly headers: Record<string, string> }, context: LambdaContext | undefined): void;
  /** Its answer is made, or there is none. @returns undefined: it may leave; otherwise when it may */
  ended(context: LambdaContext | undefined): Promise<void> | undefined;
  /** Sends the last. Never rejects. */
  close(): Promise<void>;
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
  // Only one at a time where a request is not known.
  const of = (request: object): Invocation | undefined => invocations.get(request) ?? latest;
  let isFirst = !isProvisioned(env);

  const propagators = readPropagators(env);
  const open = (): Promise<Telemetry | undefined> => {
    addResourceAttributes(env);
    return openTelemetryLater(config, withTraceparents(env, propagators), {
      onRequestSpan: (span, { request }) => span.setAttributes(attributesOf(of(request))),
    });
  };
  const telemetry = mayHaveTelemetry(env) ? await open() : undefined;
  const metrics =
    writeMetrics &&
    createEmf({
      functionName: env.AWS_LAMBDA_FUNCTION_NAME ?? config.serviceName,
      functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
      write: writeMetrics,
      isColdStart: (request) => of(request)?.isColdStart ?? false,
    });
  if (telemetry === undefined && metrics === undefined) return undefined;

  const after = await extensionOf(telemetry, env);
  return {
    telemetry,
    subscribers: metrics === undefined ? [] : [metrics],
    isExtension: after !== undefined,
    begun(request, context) {
      latest = { id: context?.awsRequestId, arn: context?.invokedFunctionArn, isColdStart: isFirst };
      isFirst = false;
      invocations.set(request, latest);
      if (telemetry?.tracer !== undefined) continueTrace(request.headers, context, env, propagators);
    },
    ended(context) {
      const id = context?.awsRequestId;
      if (telemetry === undefined || isConcurrent(env)) return undefined;
      if (after?.works !== true || id === undefined) return telemetry.flush(FLUSH_MS);
      after.answered(id);
      return undefined;
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

/** Where requests are answered one by one and something is traced. */
async function extensionOf(telemetry: Telemetry | undefined, env: Environment): Promise<AfterAnswer | undefined> {
  const { AWS_LAMBDA_RUNTIME_API: api } = env;
  if (telemetry?.tracer === undefined || api === undefined || isConcurrent(env)) return undefined;
  return afterAnswers(api, () => telemetry.flush(FLUSH_MS));
}
