// The binary tensor data extension: elements as bytes, little-endian and dense; texts behind their length.
import { findUtf8Fault } from "../../json/utf8-fault.ts";
import type { Datatype, Tensor, TensorData } from "../types.ts";
import { countElements } from "./oip-shape.ts";
import { badInput, type NumericData, numericType, shown } from "./oip-types.ts";

/** Bytes of the number before each text that says how many bytes it has. */
const LENGTH_BYTES = 4;

/** Whom messages name. */
export interface Place {
  readonly input: string;
  readonly model: string;
}

/** The elements that lie in a part of a body: a view where its place allows one, as nobody else writes to the body.
 *  @throws BadInputError when they are not as many as the shape says */
export function readBinary(bytes: Uint8Array, datatype: Datatype, shape: readonly number[], place: Place): TensorData {
  const elements = countElements(shape);
  if (datatype === "BYTES") return readTexts(bytes, elements, place);
  const type = numericType(datatype);
  const expected = elements * type.bytes;
  if (bytes.length !== expected) {
    const { input, model } = place;
    throw badInput(
      `input byte size mismatch for input ${shown(input)} for model '${model}'. Expected ${expected}, got ${bytes.length}`,
    );
  }
  const aligned = bytes.byteOffset % type.bytes === 0 ? bytes : new Uint8Array(bytes);
  const data = type.view(aligned.buffer, aligned.byteOffset, elements);
  return datatype === "BOOL" ? toBooleans(data as Uint8Array) : data;
}

/** Engines take each byte for 0 or 1 without a look. */
function toBooleans(data: Uint8Array): Uint8Array {
  return data.some((byte) => byte > 1) ? data.map((byte) => (byte === 0 ? 0 : 1)) : data;
}

function readTexts(bytes: Uint8Array, elements: number, { input, model }: Place): readonly string[] {
  const where = `for inference input ${shown(input)} for model '${model}'`;
  // No array is made for more texts than there can be.
  if (elements * LENGTH_BYTES > bytes.length) {
    const most = Math.floor(bytes.length / LENGTH_BYTES);
    throw badInput(`unexpected number of string elements ${where}, expecting ${elements}, got at most ${most}`);
  }
  const buffer = toBuffer(bytes);
  const texts: string[] = [];
  let at = 0;
  for (let index = 0; index < elements; index++) {
    const left = buffer.length - at;
    if (left < LENGTH_BYTES) {
      throw badInput(
        `incomplete string length indicator ${where}, expecting ${LENGTH_BYTES} bytes but only ${left} bytes available`,
      );
    }
    const length = buffer.readUInt32LE(at);
    const start = at + LENGTH_BYTES;
    if (length > buffer.length - start) {
      const available = buffer.length - start;
      throw badInput(
        `incomplete string data ${where}, expecting string of length ${length} but only ${available} bytes available`,
      );
    }
    at = start + length;
    texts.push(readText(buffer.subarray(start, at), index, where));
  }
  if (at < buffer.length) {
    throw badInput(
      `unexpected number of string elements ${where}, expecting ${elements}, got ${bytesLeft(buffer, at)}`,
    );
  }
  return texts;
}

function bytesLeft(buffer: Buffer, at: number): string {
  return `${buffer.length - at} more bytes`;
}

const REPLACEMENT = "\ufffd";

function readText(bytes: Buffer, index: number, where: string): string {
  const text = bytes.toString("utf8");
  // What is not UTF-8 has become that; it may also have been sent.
  if (text.includes(REPLACEMENT)) {
    const fault = findUtf8Fault(bytes, 0);
    if (fault !== undefined) throw badInput(`string element ${index} ${where} is not UTF-8: ${fault.reason}`);
  }
  return text;
}

/** What follows an answer's JSON for one output. */
export function toBinary({ datatype, data }: Tensor): Uint8Array {
  if (datatype !== "BYTES") return toBuffer(data as NumericData);
  const texts = data as readonly string[];
  let size = 0;
  for (const text of texts) size += LENGTH_BYTES + Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const text of texts) {
    const length = bytes.write(text, at + LENGTH_BYTES);
    bytes.writeUInt32LE(length, at);
    at += LENGTH_BYTES + length;
  }
  return bytes;
}

function toBuffer(view: NumericData): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}
