// The requests that test/python/test_oip_cases.py sends to MLflow models, asked of the worker for Node, with what it holds
// against an ONNX model: answers and words are the same (tables I, J and K).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { checkInputs, wantedOutputs } from "../../../../src/no-code/onnx/check-request.ts";
import type { SessionTensor } from "../../../../src/no-code/onnx/session.ts";
import type { Model } from "../../../../src/no-code/types.ts";
import { addsub, ask, identity, read, refusal } from "./models.ts";

interface Case {
  readonly name: string;
  readonly row: string;
  readonly model: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly error?: string;
  readonly answer?: { readonly headers: Readonly<Record<string, string>>; readonly body: string };
}

type Declared = Omit<SessionTensor, "hasRank"> & { readonly shape: readonly number[] };

interface Served {
  readonly does: "addsub" | "identity";
  readonly inputs: readonly Declared[];
  readonly outputs: readonly Declared[];
}

const FILE = join(import.meta.dirname, "../../../fixtures/models/infer-cases.json");
const { models, cases } = JSON.parse(readFileSync(FILE, "utf8")) as {
  readonly models: Readonly<Record<string, Served>>;
  readonly cases: readonly Case[];
};

function serve(name: string, { does, inputs, outputs }: Served): Model {
  const { datatype, shape } = inputs[0]!;
  const model = does === "addsub" ? addsub : identity(name, datatype, shape);
  const withRank = (all: readonly Declared[]) => all.map((each) => ({ ...each, hasRank: true }));
  const expected = { name, inputs: withRank(inputs), outputs: withRank(outputs) };
  return {
    facts: { ...model.facts, name, versions: [{ version: "1" }], inputs, outputs },
    async infer(_version, given, wanted) {
      const names = wantedOutputs(expected, wanted);
      checkInputs(expected, given);
      return model.infer("1", given, names);
    },
  };
}

const served = new Map(Object.entries(models).map(([name, model]) => [name, serve(name, model)]));
const UNPACK = { gzip: gunzipSync, deflate: inflateSync } as const;

const askAgain = ({ model, body, headers }: Case) =>
  ask(`/v2/models/${model}/infer`, Buffer.from(body, "base64"), headers, served);

describe("answers as the worker for Python does", () => {
  const good = cases.filter(({ answer }) => answer !== undefined);
  test.each(good.map((each) => [`${each.row}: ${each.name}`, each] as const))("%s", async (_, each) => {
    const { headers, body } = read(await askAgain(each));
    expect(headers).toEqual(each.answer!.headers);
    const unpack = UNPACK[headers["content-encoding"] as keyof typeof UNPACK] ?? ((bytes: Buffer) => bytes);
    expect(unpack(body).toString("latin1")).toBe(Buffer.from(each.answer!.body, "base64").toString("latin1"));
  });
});

describe("refuses in the words of the worker for Python", () => {
  const bad = cases.filter(({ error }) => error !== undefined);
  test.each(bad.map((each) => [`${each.row}: ${each.name}`, each] as const))("%s", async (_, each) => {
    expect(await refusal(askAgain(each))).toBe(each.error);
  });
});

test("the cases are many", () => {
  expect(cases.length).toBeGreaterThan(80);
});
