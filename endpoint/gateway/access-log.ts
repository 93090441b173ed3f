import { STATUS_CODES } from "node:http";
import { type Log, type LogFields, roundMs } from "../../src/host.ts";
import type { GatewayRecord } from "../types.ts";

/** Longest text of the client's own kind that a record shows, in characters. */
const MAX_USER_AGENT_LENGTH = 70;

/** Writes the record of one request. @param receivedMs from its head to the end of its body
 *  @param endpoint name */
export type WriteAccess = (record: GatewayRecord, receivedMs: number, endpoint: string) => void;

/** The access log: one line each, and in JSON the columns of Azure's AmlOnlineEndpointTrafficLog. */
export function createAccessLog(log: Log): WriteAccess {
  return (record, receivedMs, endpoint) => {
    const { access } = record.request.log ?? log;
    access.info(accessLine(record), log.format === "json" ? columns(record, receivedMs, endpoint) : undefined);
  };
}

/** `POST /score 424 12.345ms 27 blue model_error 500 0b7c…`: what is not known is a dash. */
function accessLine(record: GatewayRecord): string {
  const { request, deployment, status, modelStatus, reason, responseBytes, totalMs, requestId } = record;
  const { method, path, query, loggedQuery = query } = request;
  const target = loggedQuery === "" ? path : `${path}?${loggedQuery}`;
  const outcome = `${deployment ?? "-"} ${reason ?? "-"} ${modelStatus ?? "-"}`;
  return `${method} ${target} ${status} ${totalMs.toFixed(3)}ms ${responseBytes} ${outcome} ${requestId}`;
}

function columns(record: GatewayRecord, receivedMs: number, endpoint: string): LogFields {
  const { request, status, modelStatus, reason } = record;
  return {
    Method: request.method,
    Path: request.path,
    EndpointName: endpoint,
    DeploymentName: record.deployment,
    ResponseCode: status,
    ResponseCodeReason: reason ?? STATUS_CODES[status],
    ModelStatusCode: modelStatus,
    ModelStatusReason: modelStatus === undefined ? undefined : STATUS_CODES[modelStatus],
    RequestPayloadSize: record.requestBytes,
    ResponsePayloadSize: record.responseBytes,
    UserAgent: request.headers["user-agent"]?.slice(0, MAX_USER_AGENT_LENGTH),
    XRequestId: record.requestId,
    XMSClientRequestId: record.clientRequestId,
    TotalDurationMs: roundMs(record.totalMs),
    RequestDurationMs: roundMs(receivedMs),
    ResponseDurationMs: roundMs(record.headMs),
  };
}
