// Colours of terminals. Where a stream is none, or NO_COLOR or TERM=dumb asks for it, texts stay as they are; FORCE_COLOR wins.
import { styleText } from "node:util";

/** What a piece of text is, whatever that looks like. */
type Role = "heading" | "error" | "warning" | "mark";

export type Paint = (role: Role, text: string) => string;

const FORMATS: Readonly<Record<Role, Parameters<typeof styleText>[0]>> = {
  heading: "bold",
  error: ["red", "bold"],
  warning: ["yellow", "bold"],
  mark: "red",
};

/** For whatever is no terminal. */
export const plainPaint: Paint = (_role, text) => text;

export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (role, text) => styleText(FORMATS[role], text, { stream });
}

/** A code frame whose marked line, and the caret below it, stand out. */
export function frameWith(paint: Paint, frame: string): string {
  const isMarked = (line: string): boolean => line.startsWith(">") || /^ +\| \s*\^$/.test(line);
  return frame
    .split("\n")
    .map((line) => (isMarked(line) ? paint("mark", line) : line))
    .join("\n");
}
