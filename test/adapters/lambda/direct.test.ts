// Events that are no HTTP requests: direct invocations, and what other services of AWS send.
import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { createHandler, EventError, InvocationError, inProcess, startService } from "../../../adapters/lambda/index.ts";
import { streamHandler } from "../../../adapters/lambda/stream.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { rawHttp } from "../../../src/index.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { startScript } from "./driver.ts";
import { contextWith } from "./front-door.ts";

const sample = (name: string) => JSON.parse(readFileSync(packageFile(`test/fixtures/events/${name}.json`), "utf8"));

/** As the documentation of each service shows them, shortened. */
const SOURCES: Readonly<Record<string, unknown>> = {
  SQS: sample("sqs"),
  "an empty batch": { Records: [] },
  SNS: {
    Records: [{ EventVersion: "1.0", EventSource: "aws:sns", EventSubscriptionArn: "arn", Sns: { Message: "{}" } }],
  },
  S3: { Records: [{ eventVersion: "2.1", eventSource: "aws:s3", eventName: "ObjectCreated:Put", s3: {} }] },
  Kinesis: { Records: [{ kinesis: { data: "e30=" }, eventSource: "aws:kinesis", eventID: "shardId-0:1" }] },
  DynamoDB: { Records: [{ eventID: "1", eventName: "INSERT", dynamodb: {}, eventSource: "aws:dynamodb" }] },
  "CloudFront (Lambda@Edge)": { Records: [{ cf: { config: {}, request: { method: "GET", uri: "/" } } }] },
  Kafka: {
    eventSource: "aws:kafka",
    bootstrapServers: "b-1:9092",
    records: { "topic-0": [{ topic: "topic", partition: 0, offset: 15, value: "e30=" }] },
  },
  "a Kafka of one's own": { eventSource: "SelfManagedKafka", records: { "topic-0": [{ value: "e30=" }] } },
  ActiveMQ: { eventSource: "aws:mq", eventSourceArn: "arn:aws:mq:b", messages: [{ messageID: "1", data: "e30=" }] },
  RabbitMQ: {
    eventSource: "aws:rmq",
    eventSourceArn: "arn:aws:mq:b",
    rmqMessagesByQueue: { "q::/": [{ data: "e30=" }] },
  },
  DocumentDB: {
    eventSourceArn: "arn:aws:rds:c",
    events: [{ event: { operationType: "insert" } }],
    eventSource: "aws:docdb",
  },
  "Pipes (SQS)": [{ messageId: "1", body: "{}", eventSource: "aws:sqs", eventSourceARN: "arn:aws:sqs:q" }],
  "Pipes (Kafka)": [{ topic: "t", value: "e30=", eventSource: "aws:kafka", eventSourceKey: "t-0" }],
  Firehose: {
    invocationId: "1",
    deliveryStreamArn: "arn:aws:firehose:s",
    region: "eu-west-1",
    records: [{ recordId: "1", approximateArrivalTimestamp: 1, data: "e30=" }],
  },
  "S3 Batch": {
    invocationSchemaVersion: "1.0",
    invocationId: "1",
    job: { id: "j" },
    tasks: [{ taskId: "t", s3Key: "k", s3BucketArn: "arn:aws:s3:::b" }],
  },
  EventBridge: { version: "0", id: "1", "detail-type": "Object Created", source: "aws.s3", account: "1", detail: {} },
  "EventBridge, own bus": { version: "0", id: "1", "detail-type": "order", source: "my.shop", detail: { data: [1] } },
  "CloudWatch Logs": { awslogs: { data: "H4sI" } },
  CodePipeline: { "CodePipeline.job": { id: "1", data: {} } },
  CodeDeploy: { DeploymentId: "d-1", LifecycleEventHookExecutionId: "e" },
  Config: { configRuleName: "r", invokingEvent: "{}" },
  Cognito: { version: "1", triggerSource: "PreSignUp_SignUp", userPoolId: "p", request: {}, response: {} },
  "an authorizer of a REST API": {
    type: "REQUEST",
    methodArn: "arn:aws:execute-api:x",
    httpMethod: "POST",
    path: "/score",
    headers: {},
    requestContext: { path: "/score", stage: "prod" },
  },
  "an authorizer of an HTTP API": {
    version: "2.0",
    type: "REQUEST",
    routeArn: "arn:aws:execute-api:x",
    rawPath: "/score",
    requestContext: { http: { method: "POST" } },
  },
  "a WebSocket API": { requestContext: { routeKey: "$default", connectionId: "c", eventType: "MESSAGE" }, body: "{}" },
  "VPC Lattice": { version: "2.0", path: "/score", method: "POST", requestContext: { serviceArn: "arn" }, body: "{}" },
  "VPC Lattice, version 1": { raw_path: "/score", method: "POST", headers: {}, body: "{}", is_base64_encoded: false },
  "S3 Object Lambda": { xAmzRequestId: "1", getObjectContext: { outputRoute: "r" } },
  CloudFormation: { RequestType: "Create", ResponseURL: "https://s3", StackId: "s", ResourceProperties: {} },
  "Secrets Manager": { Step: "createSecret", SecretId: "arn", ClientRequestToken: "t" },
  Lex: { messageVersion: "1.0", sessionState: {}, bot: {} },
  "a destination": {
    version: "1.0",
    requestContext: { condition: "Success" },
    requestPayload: {},
    responsePayload: {},
  },
};

async function serve(script: Record<string, unknown>, env: Readonly<Record<string, string>> = {}) {
  let text = "";
  const write = (lines: string) => {
    text += lines;
  };
  const service = await startService(
    inProcess(async () => ({ init() {}, ...script })),
    { entryScript: "score.ts", env, write },
  );
  return { service, handler: createHandler(service), logged: () => text };
}

/** Invokes a streaming function. @returns all that it sent */
async function stream(service: Parameters<typeof streamHandler>[0], event: unknown, id?: string): Promise<string> {
  const out = new PassThrough();
  let text = "";
  out.on("data", (chunk: Buffer) => {
    text += chunk;
  });
  const noHead = (): never => expect.fail("a head of HTTP");
  await streamHandler(service, noHead)(event, out, { ...contextWith(DEADLINE_MS), ...(id && { awsRequestId: id }) });
  return text;
}

describe("events of other services fail, so that their source does not take them for handled", () => {
  test.for(Object.entries(SOURCES))("%s", async ([, event]) => {
    let runs = 0;
    const { service, handler, logged } = await serve({ run: () => ++runs });
    await expect(handler(event)).rejects.toThrow(EventError);
    await expect(handler(event)).rejects.toMatchObject({ name: "ERR_EVENT", code: "ERR_EVENT" });
    await expect(stream(service, event)).rejects.toThrow("belongs to another service of AWS");
    expect(logged()).toContain("belongs to another service of AWS");
    expect(runs).toBe(0);
  });
});

test("warm-up calls are answered without scoring", async () => {
  let runs = 0;
  const { service, handler } = await serve({ run: () => ++runs });
  for (const event of [sample("schedule"), { source: "serverless-plugin-warmup" }, { source: "aws.scheduler" }]) {
    expect(await handler(event)).toEqual({ warm: true });
    expect(JSON.parse(await stream(service, event))).toEqual({ warm: true });
  }
  expect(runs).toBe(0);
});

describe("a direct invocation", () => {
  const BODIES = [
    {
      data: [
        [1, 2],
        [3, 4],
      ],
    },
    {},
    [1, 2],
    [],
    "text",
    5,
    null,
    { records: [{ a: 1 }] },
    { version: "2.0" },
  ];

  test.for(BODIES)("%j is the body of POST /score, and the result what run() returns", async (body) => {
    const { service, handler } = await serve({ run: (data: string) => ({ got: JSON.parse(data) }) });
    expect(await handler(body, contextWith(DEADLINE_MS))).toEqual({ got: body });
    expect(JSON.parse(await stream(service, body))).toEqual({ got: body });
  });

  test("has the invocation's id as its request id, and is JSON", async () => {
    const run = (_data: string, context: { requestId: string; requestHeaders: Record<string, string> }) => ({
      id: context.requestId,
      type: context.requestHeaders["content-type"],
    });
    const { service, handler } = await serve({ run });
    const expected = { id: "8f3c", type: "application/json" };
    expect(await handler({}, { ...contextWith(DEADLINE_MS), awsRequestId: "8f3c" })).toEqual(expected);
    expect(JSON.parse(await stream(service, {}, "8f3c"))).toEqual(expected);
  });

  test("fails when run() fails, and says more where the setting allows it", async () => {
    const run = (): never => {
      throw new RangeError("too far");
    };
    const quiet = await serve({ run });
    const failure = {
      name: expect.stringMatching(/^ERR_(?:SCRIPT_RUN|STATUS_500)$/),
      message: expect.stringContaining("An unexpected error occurred in scoring script"),
    };
    await expect(quiet.handler({})).rejects.toThrow(InvocationError);
    await expect(quiet.handler({})).rejects.toMatchObject(failure);
    await expect(stream(quiet.service, {})).rejects.toMatchObject(failure);
    const open = await serve({ run }, { SCOREFN_ERROR_DETAIL: "location" });
    await expect(open.handler({})).rejects.toThrow("RangeError: too far");
  });

  test("fails while the script does not come up", async () => {
    const { handler } = await serve({
      init() {
        throw new Error("no model");
      },
      run: () => 1,
    });
    await expect(handler({})).rejects.toMatchObject({
      name: expect.stringMatching(/^ERR_(?:SCRIPT_INIT|STATUS_503)$/),
    });
  });

  test("fails when its time is up", async () => {
    const { handler, service } = await serve({ run: () => new Promise(() => {}) });
    await expect(handler({}, contextWith(200))).rejects.toMatchObject({
      name: expect.stringMatching(/^ERR_(?:DEADLINE|STATUS_504)$/),
    });
    const out = new PassThrough().resume();
    await expect(streamHandler(service, (to) => to)({}, out, contextWith(200))).rejects.toThrow("not answered within");
  });

  test("of a script that answers with HTTP returns JSON or text, and fails for bytes and statuses of failure", async () => {
    const answers: Record<string, () => Response> = {
      json: () => Response.json({ a: 1 }, { status: 201 }),
      text: () => new Response("hello"),
      none: () => new Response(null, { status: 204 }),
      bytes: () => new Response(Uint8Array.of(255), { headers: { "content-type": "image/png" } }),
      refuses: () => new Response("not so", { status: 422 }),
      NaN: () => new Response("[NaN]", { headers: { "content-type": "application/json" } }),
    };
    const { handler } = await serve({ run: rawHttp(async (request) => answers[(await request.json()) as string]!()) });
    expect(await handler("json")).toEqual({ a: 1 });
    expect(await handler("text")).toBe("hello");
    expect(await handler("none")).toBeNull();
    await expect(handler("bytes")).rejects.toThrow("The answer is bytes");
    await expect(handler("refuses")).rejects.toMatchObject({ name: "ERR_STATUS_422", message: "not so" });
    await expect(handler("NaN")).rejects.toThrow("not JSON that AWS Lambda can carry");
  });

  test("of a generator returns what it yields, joined", async () => {
    const { handler, service } = await serve({
      async *run() {
        yield "a";
        yield "b";
      },
    });
    expect(await handler({})).toBe("ab");
    expect(await stream(service, {})).toBe("ab");
  });

  test("reaches a Python script, too", async () => {
    const service = await startScript("echo.py", "python");
    onTestFinished(() => service.runtime.close(0));
    expect(await createHandler(service)({ data: [1] })).toBe('{"data":[1]}');
  });
});

describe("any JSON", () => {
  const EVENTS = process.env.CI === "true" ? 10_000 : 1_000;
  /** Members of events, of the kinds they should have and of others. */
  const odd = fc.oneof(
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom("2.0", "1.0", "POST", "/score", {}, { http: { method: "POST" } }, { elb: {} }, { http: null }),
    fc.record({
      elb: fc.jsonValue({ maxDepth: 0 }),
      http: fc.jsonValue({ maxDepth: 1 }),
      stage: fc.jsonValue({ maxDepth: 0 }),
    }),
  );
  const NAMES = [
    "version",
    "rawPath",
    "rawQueryString",
    "cookies",
    "path",
    "httpMethod",
    "headers",
    "multiValueHeaders",
  ];
  const MORE = [
    "queryStringParameters",
    "multiValueQueryStringParameters",
    "body",
    "isBase64Encoded",
    "requestContext",
  ];
  const OTHERS = ["source", "Records", "detail-type", "constructor", "__proto__", "toString"];
  const event = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom(...NAMES, ...MORE, ...OTHERS), odd),
    fc.dictionary(fc.constantFrom(...NAMES, ...MORE), odd).map((members) => ({
      ...members,
      ...{ version: "2.0", rawPath: "/score", requestContext: { http: { method: "POST" } } },
    })),
  );

  test("is answered, or fails as what is no request does", { timeout: 10 * 60_000 }, async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    console.log(`${EVENTS} events, seed ${seed}`);
    const { service, handler } = await serve({ run: (data: string) => data }, { AZUREML_LOG_LEVEL: "CRITICAL" });
    const property = fc.asyncProperty(event, async (given) => {
      const sent = JSON.parse(JSON.stringify(given)) as unknown;
      const refused = (error: unknown): string => {
        expect(error).toBeInstanceOf(EventError);
        return "refused";
      };
      const result = await handler(sent, contextWith(DEADLINE_MS)).catch(refused);
      const isHttp = typeof result === "object" && result !== null && "statusCode" in result;
      if (isHttp)
        expect([200, 400]).toContain(result.statusCode === 404 || result.statusCode === 405 ? 400 : result.statusCode);
      else if (result !== "refused" && !(result as { warm?: boolean }).warm) expect(result).toBe(JSON.stringify(sent));
      const out = new PassThrough().resume();
      await streamHandler(service, (to) => to)(sent, out, contextWith(DEADLINE_MS)).catch(refused);
    });
    await fc.assert(property, { numRuns: EVENTS, seed });
  });
});
