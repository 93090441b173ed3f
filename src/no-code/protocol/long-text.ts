// Texts of answers with millions of elements.
import { constants } from "node:buffer";
import { ResultError } from "../../core/errors.ts";

/** Elements of a piece. What grows by `+=` is a tree of all its parts until someone reads it, many times as large as the text. */
const PIECE = 4096;

/** What `write` makes of the elements from `from` to `to`, piece by piece where they are many.
 *  @throws RangeError as JavaScript does of a text that is too long, before the memory is full of its pieces */
export function inPieces(
  from: number,
  to: number,
  separator: string,
  write: (from: number, to: number) => string,
): string {
  if (to - from <= PIECE) return write(from, to);
  const pieces: string[] = [];
  let length = 0;
  for (let at = from; at < to; at += PIECE) {
    const piece = write(at, Math.min(at + PIECE, to));
    // Reading a character makes one plain text of the tree.
    piece.charCodeAt(0);
    length += piece.length + separator.length;
    if (length > constants.MAX_STRING_LENGTH) throw new RangeError("Invalid string length");
    pieces.push(piece);
  }
  return pieces.join(separator);
}

/** @throws ResultError where the answer is longer than a text can be */
export function asAnswer<Answer>(render: () => Answer): Answer {
  try {
    return render();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const limit = `${Math.round(constants.MAX_STRING_LENGTH / 1_048_576)} MB`;
    const message = `The model's answer is too long for JSON, which may have ${limit}. Ask for binary tensors over /v2, or for less.`;
    throw new ResultError("ERR_RESULT", message, { cause: error });
  }
}
