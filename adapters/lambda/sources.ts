// What calls a function, told by the marks its events carry.

import { EventError } from "./event-error.ts";

/** @param mark what the event has that no request has */
export function noRequest(mark: string): EventError {
  return new EventError(
    `This function answers HTTP requests, from a Function URL, API Gateway or a load balancer, and direct invocations. ` +
      `The event belongs to another service of AWS (it has ${mark}), and is not taken for handled.`,
  );
}

/** Schedules, and the plugin that keeps functions warm. */
const WARM_UP_SOURCES: readonly unknown[] = ["aws.events", "aws.scheduler", "serverless-plugin-warmup"];

/** Members that events of one service have, at their top or, where they come as a list (Pipes), in their first item. Each is
 *  a name that no body of a score script is likely to have; the event is refused if it does. */
const MARKS: readonly string[] = [
  "Records", // SQS, SNS, S3, Kinesis, DynamoDB, SES, CloudFront
  "eventSource", // Kafka, MQ, RabbitMQ, DocumentDB; items of Pipes
  "eventSourceArn",
  "eventSourceARN",
  "detail-type", // EventBridge
  "deliveryStreamArn", // Firehose
  "applicationArn", // Kinesis Analytics
  "invocationSchemaVersion", // S3 Batch
  "awslogs", // CloudWatch Logs
  "CodePipeline.job",
  "LifecycleEventHookExecutionId", // CodeDeploy
  "configRuleName",
  "triggerSource", // Cognito
  "methodArn", // authorizers of API Gateway
  "routeArn",
  "requestContext", // WebSocket APIs, VPC Lattice, and HTTP that is not whole
  "raw_path", // VPC Lattice, version 1
  "getObjectContext", // S3 Object Lambda
  "ResponseURL", // CloudFormation
  "SecretId", // Secrets Manager
  "sessionState", // Lex
];

/** @returns what marks the event as another service's; undefined: nothing does */
export function markOf(event: unknown): string | undefined {
  const first: unknown = Array.isArray(event) ? event[0] : event;
  if (typeof first !== "object" || first === null) return undefined;
  return MARKS.find((name) => Object.hasOwn(first, name));
}

/** True for the calls that only keep an environment warm. */
export function isWarmUp(event: unknown): boolean {
  return WARM_UP_SOURCES.includes((event as { source?: unknown } | null | undefined)?.source);
}
