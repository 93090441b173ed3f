/** Source lines around a place, numbered, with a marker and a caret.
 *  @param line from 1   @param column from 1; null: no caret
 *  @returns an empty string when the text has no such line */
export function codeFrame(fileText: string, line: number, column: number | null): string {
  const lines = fileText.split(/\r?\n/);
  if (line < 1 || line > lines.length) return "";
  const first = Math.max(1, line - LINES_AROUND);
  const last = Math.min(lines.length, line + LINES_AROUND);
  const width = String(last).length;
  const rows: string[] = [];
  for (let number = first; number <= last; number++) {
    const source = lines[number - 1]!;
    const text = source === "" ? "" : ` ${clip(source)}`;
    rows.push(`${number === line ? ">" : " "} ${String(number).padStart(width)} |${text}`);
    if (number === line && column !== null && column >= 1 && column <= Math.min(source.length + 1, MAX_SOURCE_LENGTH)) {
      // Tabs are kept, so that the caret stands below its character however wide they are shown.
      const indent = source.slice(0, column - 1).replace(/[^\t]/g, " ");
      rows.push(`  ${" ".repeat(width)} | ${indent}^`);
    }
  }
  return rows.join("\n");
}

const LINES_AROUND = 2;
/** Characters of a source line that are shown; a minified file is one line. */
const MAX_SOURCE_LENGTH = 200;

/** A source line, shortened. */
export function clip(source: string): string {
  return source.length <= MAX_SOURCE_LENGTH ? source : `${source.slice(0, MAX_SOURCE_LENGTH)}…`;
}
