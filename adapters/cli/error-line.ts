import { type Paint, plainPaint } from "../../src/host.ts";

/** How every command says what is wrong. @param who the command, as typed   @param text with the cure */
export function errorLine(who: string, text: string, paint: Paint = plainPaint): string {
  return `${who}: ${paint("error", "error:")} ${text}\n`;
}
