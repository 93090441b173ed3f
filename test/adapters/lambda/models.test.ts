// A model without a script behind each of Lambda's doors: clients of the Open Inference Protocol send bytes, and no content type
// (OIP-15, OIP-21).
import { readFileSync } from "node:fs";
import type { Context } from "aws-lambda";
import { beforeAll, describe, expect, test } from "vitest";
import { createHandler } from "../../../adapters/lambda/index.ts";
import { inProcess, startService } from "../../../adapters/lambda/service.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { tree } from "../../packaging/tree.ts";
import { layOutModels, missingEngine } from "../../setup/onnx.ts";

type Handler = ReturnType<typeof createHandler>;
type Event = Record<string, unknown>;

interface Result {
  readonly statusCode: number;
  readonly headers?: Record<string, string>;
  readonly multiValueHeaders?: Record<string, string[]>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

const DOORS = ["function-url", "http-api", "rest", "alb", "alb-multi"];
const PATH = "/v2/models/addsub/infer";
const VALUES = [1, 2, 3, 4];

const floats = (values: readonly number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);
const tensor = (name: string, rest: object): object => ({ name, shape: [1, 4], datatype: "FP32", ...rest });

/** As tritonclient sends it (table K). */
function binary(): { readonly headers: Record<string, string>; readonly body: Buffer } {
  const parameters = { binary_data_size: 16 };
  const inputs = ["INPUT0", "INPUT1"].map((name) => tensor(name, { parameters }));
  const header = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  return {
    headers: { "inference-header-content-length": String(header.length) },
    body: Buffer.concat([header, floats(VALUES), floats(VALUES)]),
  };
}

/** The sample of a door with another request in it, which says nothing of what its body is. */
function eventOf(door: string, body: string, isBase64Encoded: boolean, headers: Record<string, string> = {}): Event {
  const event = JSON.parse(readFileSync(packageFile(`test/fixtures/events/${door}.json`), "utf8"));
  const multi = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  const stage = event.requestContext.stage;
  const isNamed = typeof stage === "string" && stage !== "$default" && "rawPath" in event;
  return {
    ...event,
    ...("rawPath" in event ? { rawPath: isNamed ? `/${stage}${PATH}` : PATH } : { path: PATH }),
    ...("rawQueryString" in event && { rawQueryString: "" }),
    ...("headers" in event && { headers }),
    ...("multiValueHeaders" in event && { multiValueHeaders: multi }),
    body,
    isBase64Encoded,
  };
}

describe.skipIf(missingEngine())("a model behind a door of Lambda", () => {
  let handle: (event: Event) => Promise<Result>;
  beforeAll(async () => {
    const env = { LAMBDA_TASK_ROOT: layOutModels(tree(), ["addsub.onnx"]) };
    const handler: Handler = createHandler(
      await startService(inProcess(), { model: "addsub.onnx", env, write: () => {} }),
    );
    handle = (event) => handler(event, { getRemainingTimeInMillis: () => 30_000 } as Context) as Promise<Result>;
  });

  test.each(DOORS)("%s: bytes come as base64, and go as base64", async (door) => {
    const { headers, body } = binary();
    const answer = await handle(eventOf(door, body.toString("base64"), true, headers));
    expect([answer.statusCode, answer.isBase64Encoded], answer.body).toEqual([200, true]);
    const given = { ...answer.headers, ...answer.multiValueHeaders };
    const [, length] = Object.entries(given).find(([name]) => /^inference-header/i.test(name))!;
    const bytes = Buffer.from(answer.body, "base64");
    const header = JSON.parse(bytes.subarray(0, Number(length)).toString());
    expect(header.outputs.map(({ name }: { name: string }) => name)).toEqual(["OUTPUT0", "OUTPUT1"]);
    expect(bytes.subarray(Number(length))).toEqual(Buffer.concat([floats([2, 4, 6, 8]), floats([0, 0, 0, 0])]));
  });

  test.each(DOORS)("%s: JSON may come as text or as base64", async (door) => {
    const body = JSON.stringify({ inputs: ["INPUT0", "INPUT1"].map((name) => tensor(name, { data: VALUES })) });
    for (const isBase64 of [true, false]) {
      const answer = await handle(eventOf(door, isBase64 ? Buffer.from(body).toString("base64") : body, isBase64));
      expect([answer.statusCode, answer.isBase64Encoded], answer.body).toEqual([200, false]);
      expect(JSON.parse(answer.body).outputs[0].data).toEqual([2, 4, 6, 8]);
    }
  });

  test.each(DOORS)(
    "%s: bytes that came as text, with what is no text lost, are refused, and the next request works",
    async (door) => {
      const { headers, body } = binary();
      const broken = Buffer.concat([body.subarray(0, -16), Buffer.from([0xff, 0xfe, 0x80, 0x81]), floats([1, 2, 3])]);
      const answer = await handle(eventOf(door, broken.toString("utf8"), false, headers));
      expect(answer.statusCode, answer.body).toBe(400);
      expect(JSON.parse(answer.body)).toEqual({
        error: expect.stringContaining("The front door took binary tensors for text"),
      });
      expect((await handle(eventOf(door, body.toString("base64"), true, headers))).statusCode).toBe(200);
    },
  );
});
