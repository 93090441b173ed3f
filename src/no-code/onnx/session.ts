// A session of the ONNX engine, in the terms of tensors.
import { ScriptRunError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { messageOf, stackOf } from "../../core/thrown.ts";
import type { Datatype, Tensor } from "../types.ts";
import { datatypeOf, fromEngine, toEngine } from "./element-types.ts";
import { findEngine } from "./engine.ts";
import { explainLoad, loadFailure } from "./load-failure.ts";
import type { Ort, OrtSession, OrtTensor, OrtValue } from "./ort.ts";
import { threadsPerSession } from "./threads.ts";

/** An input or output of a session. */
export interface SessionTensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** A name where the dimension has one: dimensions of the same name are equal. -1: any number. */
  readonly shape: readonly (number | string)[];
  /** False: nothing is known of the rank, which the engine does not tell from a scalar (ONNX-3). */
  readonly hasRank: boolean;
}

export interface Session {
  readonly inputs: readonly SessionTensor[];
  /** Those that the engine can hand over. */
  readonly outputs: readonly SessionTensor[];
  /** @param feeds checked already; not to be changed before the answer is there   @param fetches names of outputs
   *  @returns in the order of `fetches`   @throws ScriptRunError with what the engine says */
  run(feeds: readonly Tensor[], fetches: readonly string[]): Promise<Tensor[]>;
  /** Gives back its memory; it cannot run any more. */
  release(): Promise<void>;
}

export interface SessionOptions {
  /** Of the model file. */
  readonly path: string;
  readonly log: Log;
  /** That it computes with; default: the processors, shared out among the workers. */
  readonly threads?: number | undefined;
}

/** @throws ScriptLoadError `ERR_MODEL_LOAD` with a hint */
export async function openSession({ path, log, threads }: SessionOptions): Promise<Session> {
  const engine = findEngine(path);
  // By path: what lies outside the file is found only so (ONNX-14).
  const session = await create(engine, path, path, threads);
  const inputs = session.inputMetadata.map((value) => toInput(value, path));
  const outputs = toOutputs(session.outputMetadata, path, log);
  return {
    inputs,
    outputs,
    run: (feeds, fetches) => run(engine, session, feeds, fetches),
    release: () => session.release(),
  };
}

async function create(
  engine: Ort,
  model: string | Uint8Array,
  path: string,
  threads: number = threadsPerSession(),
): Promise<OrtSession> {
  try {
    return await engine.InferenceSession.create(model, { intraOpNumThreads: threads });
  } catch (cause) {
    throw explainLoad(path, cause);
  }
}

async function run(
  engine: Ort,
  session: OrtSession,
  feeds: readonly Tensor[],
  fetches: readonly string[],
): Promise<Tensor[]> {
  try {
    const values: Record<string, OrtTensor> = {};
    for (const feed of feeds) values[feed.name] = toEngine(engine, feed);
    // All are named: without names the engine fails over what it cannot hand over (ONNX-11).
    const results = await session.run(values, fetches);
    return fetches.map((name) => fromEngine(name, results[name]!));
  } catch (cause) {
    const message = messageOf(cause);
    const report = { type: "ModelRunError", message, traceback: stackOf(cause), location: null };
    throw new ScriptRunError("ERR_SCRIPT_RUN", message, { cause, report });
  }
}

function toInput(value: OrtValue, path: string): SessionTensor {
  if (!value.isTensor) {
    throw loadFailure(`${path} cannot be served: its input '${value.name}' is no tensor but a sequence or a map`, {
      hint: "export the model with tensors as inputs",
    });
  }
  const input = toTensor(value);
  if (input !== undefined) return input;
  throw loadFailure(`${path} cannot be served: its input '${value.name}' is of type ${value.type}`, {
    hint: "add a Cast from int8 or uint8 to the model",
  });
}

/** @throws ScriptLoadError when nothing is left */
function toOutputs(values: readonly OrtValue[], path: string, log: Log): SessionTensor[] {
  const outputs: SessionTensor[] = [];
  const left: string[] = [];
  for (const value of values) {
    const output = value.isTensor ? toTensor(value) : undefined;
    if (output !== undefined) outputs.push(output);
    else left.push(`'${value.name}' (${value.isTensor ? value.type : "a sequence, a map or an optional value"})`);
  }
  if (left.length === 0) return outputs;
  const what = `${left.join(", ")}: ${left.length === 1 ? "this output is" : "these outputs are"} no tensor that can be handed over`;
  if (outputs.length === 0) {
    throw loadFailure(`${path} cannot be served: ${what}, and there is no other`, {
      hint: 'export the model with tensors as outputs; for scikit-learn: to_onnx(..., options={"zipmap": False})',
    });
  }
  log.server.warning(`${path}: left out ${what}`);
  return outputs;
}

function toTensor({ name, type, shape }: Extract<OrtValue, { isTensor: true }>): SessionTensor | undefined {
  const datatype = datatypeOf(type);
  if (datatype === undefined) return undefined;
  return { name, datatype, shape: shape.map((dim) => (dim === "" ? -1 : dim)), hasRank: shape.length > 0 };
}
