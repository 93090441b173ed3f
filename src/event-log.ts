import { ERROR_CODES, type ScoreError } from "./core/errors.ts";
import type { Events, RequestAnswered, RequestFailed, RequestHead, WorkerEnded } from "./core/events.ts";
import { DEPRECATED_ID_WARNING } from "./core/headers.ts";
import type { Log, LogFields, Logger } from "./core/log.ts";
import { accessMessage, lengthOf } from "./log/format.ts";
import type { Cors } from "./routes/cors.ts";
import { decodePath } from "./routes/route.ts";
import { createStartupLog, type StartSettings } from "./startup.ts";

/** Writes the server's log: what the core announces, as lines. */
export function createEventLog(config: StartSettings, log: Log, cors?: Cors): Events {
  /** Where the host keeps records by request, they go there. */
  const of = (request: RequestHead): Logger => (request.log ?? log).server;
  const fields = log.fields ?? NO_FIELDS;
  return {
    ...createStartupLog(config, log, cors),
    workerEnded: (record) => log.server.error(endedLine(record)),
    preloadEnded: ({ exit }) =>
      log.server.error(`The preload process is gone: ${exit.message}. The next worker starts another.`),
    runInterrupted: ({ traceback }) => log.server.error(`run() was stopped at its deadline here: ${traceback}\n`),
    requestReceived({ request, ids }) {
      if (ids.deprecatedId) of(request).warning(DEPRECATED_ID_WARNING, fields.ofRequest(request, ids));
    },
    responseFromScript: ({ request, ids }) =>
      of(request).info("run() output is HTTP Response", fields.ofRequest(request, ids)),
    requestFailed: (record) => logFailure(of(record.request), record, fields.ofFailure(record)),
    requestsRefused: ({ request, ids, code, line }) =>
      of(request).warning(`${line}${idText(code, ids.requestId)}`, fields.ofRequest(request, ids, code)),
    requestAnswered(record) {
      if (record.isLogged) of(record.request).info(accessLine(record), fields.ofAnswer(record));
    },
  };
}

const nothing = (): undefined => undefined;

/** Collecting fields that nobody shows would cost every request. */
const NO_FIELDS = { ofRequest: nothing, ofFailure: nothing, ofAnswer: nothing };

function endedLine({ exit: { message }, restart }: WorkerEnded): string {
  const when = typeof restart === "string" ? ` ${restart}` : restart ? ` in ${restart} ms` : "";
  const next = restart === undefined ? "" : `; starting another${when}`;
  return `${message[0]!.toUpperCase()}${message.slice(1)}${next}.`;
}

function logFailure(logger: Logger, { request, ids, failure }: RequestFailed, fields: LogFields | undefined): void {
  const { code, message, report } = failure;
  const id = idText(code, ids.requestId);
  if (code === "ERR_CLIENT_GONE") {
    logger.info(`The client of ${request.method} ${request.path} left before it got its answer${id}`, fields);
  } else if (hasRecord(failure)) {
    logger.error(`Encountered Exception: ${report?.traceback ?? failure.stack ?? message}\n`, fields);
    // A line of its own: the record above is the contract's (ERR-12).
    logger.warning(`Request ${ids.requestId} failed: ${code}`, fields);
  } else if (failure.status >= 500) logger.warning(`${message}${id}`, fields);
}

/** False: the message says all, and a traceback would not help. */
function hasRecord({ code }: ScoreError): boolean {
  const { text, detail } = ERROR_CODES[code];
  return text !== null || detail;
}

/** Finds a client's answer in the log, and the code in the documentation. */
function idText(code: string, requestId: string): string {
  return ` (${code}, request ${requestId})`;
}

/** The server's own access record (contract LOG-9). */
function accessLine({ request, response, startedAt, endedAt }: RequestAnswered): string {
  const { method, path, query, loggedQuery = query } = request;
  return accessMessage(method, decodePath(path), loggedQuery, response.status, endedAt - startedAt, lengthOf(response));
}
