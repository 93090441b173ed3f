// Colours of terminals. Where a stream is none, or NO_COLOR or TERM=dumb asks for it, texts stay as they are; FORCE_COLOR wins.
import { styleText } from "node:util";

/** What a piece of text is, whatever that looks like. */
type Role = "heading" | "error" | "warning" | "mark";

export type Paint = (role: Role, text: string) => string;

const FORMATS = {
  heading: ["bold"],
  error: ["red", "bold"],
  warning: ["yellow", "bold"],
  mark: ["red"],
} as const satisfies Readonly<Record<Role, readonly Parameters<typeof styleText>[0][]>>;

/** For whatever is no terminal. */
export const plainPaint: Paint = (_role, text) => text;

export function paintFor(stream: NodeJS.WriteStream): Paint {
  // One at a time: for a list of formats Node 20 does not look at the stream.
  return (role, text) =>
    FORMATS[role].reduceRight<string>((inner, format) => styleText(format, inner, { stream }), text);
}

/** A code frame whose marked line, and the caret below it, stand out. */
export function frameWith(paint: Paint, frame: string): string {
  const isMarked = (line: string): boolean => line.startsWith(">") || /^ +\| \s*\^$/.test(line);
  return frame
    .split("\n")
    .map((line) => (isMarked(line) ? paint("mark", line) : line))
    .join("\n");
}
