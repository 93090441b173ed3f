// A session of the ONNX engine, in the terms of tensors.
import { dirname } from "node:path";
import { ScriptRunError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { messageOf, stackOf } from "../../core/thrown.ts";
import type { Datatype, Tensor } from "../types.ts";
import { datatypeOf, fromEngine, toEngine } from "./element-types.ts";
import { findEngine, misnamesResults } from "./engine.ts";
import { engineWords, explainLoad, loadFailure } from "./load-failure.ts";
import { checkFile, rewritten } from "./model-file.ts";
import type { Ort, OrtSession, OrtValue } from "./ort.ts";
import { threadsPerSession } from "./threads.ts";
import type { Rewritten } from "./zipmap.ts";

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
  /** True: what the engine says to itself goes to stderr. */
  readonly verbose?: boolean | undefined;
}

/** Classes that the log names, so that a model with thousands does not fill it. */
const MAX_SHOWN_CLASSES = 20;

/** @throws ScriptLoadError `ERR_MODEL_LOAD` with a hint */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { path, log, verbose } = options;
  checkFile(path);
  const engine = findEngine(path, { verbose });
  // By path: what lies outside the file is found so (ONNX-14), and the engine may map it into memory.
  const asItIs = await create(engine, options);
  const session = asItIs.outputMetadata.every(({ isTensor }) => isTensor)
    ? asItIs
    : await withTensors(engine, asItIs, options);
  const outputNames = session.outputMetadata.map(({ name }) => name);
  const namesOf = misnamesResults(engine) ? namesByPlace(outputNames) : sameNames;
  try {
    return {
      inputs: session.inputMetadata.map((value) => toInput(value, path)),
      outputs: toOutputs(session.outputMetadata, path, log),
      run: (feeds, fetches) => run(engine, session, feeds, fetches, namesOf),
      release: () => session.release(),
    };
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** Only a model that has outputs which are no tensors is read into this process's memory.
 *  @returns the session of a model whose classifiers give tensors; one of the model as it is where that cannot be had */
async function withTensors(engine: Ort, asItIs: OrtSession, options: SessionOptions): Promise<OrtSession> {
  const { path, log } = options;
  const warn = (error: unknown): void =>
    log.server.warning(`${path}: its ZipMap cannot be taken out: ${messageOf(error)}`);
  let model: Rewritten | undefined;
  try {
    model = await rewritten(path);
  } catch (error) {
    warn(error);
  }
  if (model === undefined) return asItIs;
  // There is never more than one of the two, for either may fill the memory.
  await asItIs.release();
  try {
    const session = await create(engine, options, model.bytes);
    for (const { name, classes } of model.outputs) {
      const columns = classes.length > MAX_SHOWN_CLASSES ? [...classes.slice(0, MAX_SHOWN_CLASSES), "…"] : classes;
      log.server.info(`${path}: output '${name}' is a tensor with a column per class: ${columns.join(", ")}`);
    }
    return session;
  } catch (error) {
    warn(error);
    return create(engine, options);
  }
}

/** @param bytes what the file is replaced with */
async function create(
  engine: Ort,
  { path, threads = threadsPerSession() }: SessionOptions,
  bytes?: Uint8Array,
): Promise<OrtSession> {
  const options = {
    intraOpNumThreads: threads,
    // Where weights outside of a model are that did not come from a file.
    ...(bytes && { extra: { session: { model_external_initializers_file_folder_path: dirname(path) } } }),
  };
  try {
    return await engine.InferenceSession.create(bytes ?? path, options);
  } catch (cause) {
    throw explainLoad(path, cause);
  }
}

/** @param namesOf names that the results of outputs come under */
async function run(
  engine: Ort,
  session: OrtSession,
  feeds: readonly Tensor[],
  fetches: readonly string[],
  namesOf: (fetches: readonly string[]) => readonly string[],
): Promise<Tensor[]> {
  try {
    const values = Object.fromEntries(feeds.map((feed) => [feed.name, toEngine(engine, feed)]));
    // All are named: without names the engine fails over what it cannot hand over (ONNX-11).
    const results = await session.run(values, fetches);
    const names = namesOf(fetches);
    return fetches.map((name, index) => fromEngine(name, results[names[index]!]!));
  } catch (cause) {
    const message = engineWords(cause);
    const report = { type: "ModelRunError", message, traceback: stackOf(cause), location: null };
    throw new ScriptRunError("ERR_SCRIPT_RUN", message, { cause, report });
  }
}

const sameNames = (fetches: readonly string[]): readonly string[] => fetches;

/** In the model's order the first result comes under the name of the model's first output, whichever was asked for. */
function namesByPlace(all: readonly string[]): (fetches: readonly string[]) => readonly string[] {
  return (fetches) => {
    const asked = all.filter((name) => fetches.includes(name));
    return fetches.map((name) => all[asked.indexOf(name)]!);
  };
}

function toInput(value: OrtValue, path: string): SessionTensor {
  if (!value.isTensor) {
    throw loadFailure(
      `${path} cannot be served: its input '${value.name}' is no tensor but a sequence, a map or an optional value`,
      {
        hint: "export the model with tensors as inputs",
      },
    );
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
