// What commands write, in the one form that all of them have.
import { type Paint, paintFor, plainPaint } from "../../src/host.ts";
import type { Screen } from "./help/page.ts";

/** How every command says what is wrong. @param who the command, as typed   @param text with the cure */
export function errorLine(who: string, text: string, paint: Paint = plainPaint): string {
  return `${who}: ${paint("error", "error:")} ${text}\n`;
}

/** For help that is written to a stream. */
export function screenOf(stream: NodeJS.WriteStream): Screen {
  return { paint: paintFor(stream), columns: stream.columns };
}
