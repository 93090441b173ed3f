// POST /v2/models/<name>[/versions/<version>]/infer of the Open Inference Protocol, with its extension for binary tensors
// and as Triton compresses bodies.
import { BadInputError } from "../../core/errors.ts";
import type { RunOutcome } from "../../core/types.ts";
import type { ScriptInput } from "../../script/input.ts";
import type { Model } from "../types.ts";
import { asAnswer } from "./long-text.ts";
import { toAnswer } from "./oip-answer.ts";
import { compress, decompress, wantedEncoding } from "./oip-encoding.ts";
import { readRawRequest } from "./oip-raw.ts";
import { type InferRequest, readRequest } from "./oip-request.ts";
import { badInput, shown } from "./oip-types.ts";

/** Bytes of the JSON that binary tensors follow, in requests and in answers. */
const HEADER_LENGTH = "Inference-Header-Content-Length";
/** As it comes. */
const GIVEN_HEADER_LENGTH = HEADER_LENGTH.toLowerCase();
const NO_HEADERS: Readonly<Record<string, string>> = {};

/** @param maxBodyBytes of a body that came compressed
 *  @throws BadInputError for whatever is the client's fault */
export async function answerInfer(
  input: ScriptInput,
  models: ReadonlyMap<string, Model>,
  maxBodyBytes: number,
): Promise<RunOutcome> {
  const startedAt = performance.now();
  const { model, version } = findModel(input.path ?? "", models);
  const headers = input.headers ?? NO_HEADERS;
  const encoding = headers["content-encoding"];
  const body = encoding === undefined ? input.body : await decompress(input.body, encoding, maxBodyBytes);
  const request = readBody(body, headers, model);
  const inferred = await model.infer(version, request.inputs, request.outputs);
  const { json, binary } = asAnswer(() => toAnswer(model.facts.name, request.id, inferred, request.isBinary));
  const wanted = wantedEncoding(headers["accept-encoding"]);
  if (binary.length === 0 && wanted === undefined) {
    return { kind: "json", body: json, execMs: performance.now() - startedAt };
  }
  const head = Buffer.from(json);
  const plain = binary.length === 0 ? head : Buffer.concat([head, ...binary]);
  const answer = wanted === undefined ? plain : await compress(plain, wanted);
  const answerHeaders: [name: string, value: string][] =
    binary.length === 0
      ? [["Content-Type", "application/json"]]
      : [
          ["Content-Type", "application/octet-stream"],
          [HEADER_LENGTH, String(head.length)],
        ];
  if (wanted !== undefined) answerHeaders.push(["Content-Encoding", wanted]);
  const execMs = performance.now() - startedAt;
  return { kind: "response", status: 200, headers: answerHeaders, body: answer, execMs, fromScript: true };
}

const PATH = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?\/infer$/;

/** The server looks before a request comes here; a model may have been replaced meanwhile. */
function findModel(path: string, models: ReadonlyMap<string, Model>): { model: Model; version: string | undefined } {
  const [, encodedName = "", version] = PATH.exec(path) ?? [];
  const name = decode(encodedName);
  const model = models.get(name);
  if (model === undefined) throw badInput(`Request for unknown model: ${shown(name)} is not found`);
  return { model, version };
}

function decode(component: string): string {
  try {
    return decodeURIComponent(component);
  } catch {
    return component;
  }
}

function readBody(body: Uint8Array, headers: Readonly<Record<string, string>>, { facts }: Model): InferRequest {
  const headerLength = headers[GIVEN_HEADER_LENGTH];
  if (headerLength === undefined) return readJsonAlone(body, headers["content-type"], facts.name);
  const headerBytes = /^\d+$/.test(headerLength) ? Number(headerLength) : Number.NaN;
  if (!(headerBytes <= body.length)) {
    throw badInput(`inference header size should be in range (0, ${body.length}), got: ${headerLength.slice(0, 20)}`);
  }
  return headerBytes === 0 ? readRawRequest(body, facts) : readRequest(body, headerBytes, facts.name);
}

function readJsonAlone(body: Uint8Array, contentType: string | undefined, model: string): InferRequest {
  try {
    return readRequest(body, body.length, model);
  } catch (error) {
    if (!(error instanceof BadInputError) || !contentType?.startsWith("application/octet-stream")) throw error;
    throw badInput(`${error.message}. A body with binary tensors needs the header Inference-Header-Content-Length`);
  }
}
