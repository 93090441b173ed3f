// Writes results in the forms of az.
import { stringify } from "yaml";

export type OutputForm = "json" | "jsonc" | "yaml" | "yamlc" | "table" | "tsv" | "none";

/** @returns what goes to stdout, its last line ended; empty for what prints nothing */
export function formatOutput(form: OutputForm, value: unknown): string {
  if (form === "none" || value === undefined || value === null) return "";
  switch (form) {
    case "json":
    case "jsonc":
      return `${JSON.stringify(value, null, 2)}\n`;
    case "yaml":
    case "yamlc":
      return stringify(value, { version: "1.1" });
    case "tsv":
      return toTsv(value);
    case "table":
      return toTable(value);
  }
}

type Plain = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A line for each element, with tabs between the values of a map or list. Texts are not quoted. */
function toTsv(value: unknown): string {
  const rows = Array.isArray(value) ? value : [value];
  return rows.map((row) => `${tsvRow(row)}\n`).join("");
}

function tsvRow(row: unknown): string {
  if (typeof row === "boolean") return String(row);
  if (Array.isArray(row)) return row.map(tsvCell).join("\t");
  // az sorts the keys.
  if (isMap(row)) {
    const keys = Object.keys(row).sort();
    return keys.map((key) => tsvCell(row[key])).join("\t");
  }
  return tsvCell(row);
}

/** A list becomes its length and a map nothing; other values that are not text become Python's words. */
function tsvCell(cell: unknown): string {
  if (Array.isArray(cell)) return String(cell.length);
  if (isMap(cell)) return "";
  if (cell === null || cell === undefined) return "None";
  if (typeof cell === "boolean") return cell ? "True" : "False";
  return String(cell);
}

/** A column for each simple value, under its name. A value alone becomes the column `Result`. */
function toTable(value: unknown): string {
  const rows = (Array.isArray(value) ? value : [value]).map(tableRow);
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (names.length === 0) return "";
  const cells = [names, ...rows.map((row) => names.map((name) => row[name] ?? ""))];
  const widths = names.map((_name, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = [cells[0]!, widths.map((width) => "-".repeat(width)), ...cells.slice(1)];
  return lines
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

function tableRow(row: unknown): Record<string, string> {
  if (Array.isArray(row)) return Object.fromEntries(row.map((cell, index) => [`Column${index + 1}`, tsvCell(cell)]));
  if (!isMap(row)) return { Result: tsvCell(row) };
  const simple = Object.entries(row).filter(([, cell]) => !Array.isArray(cell) && !isMap(cell) && cell !== null);
  return Object.fromEntries(simple.map(([name, cell]) => [titled(name), tsvCell(cell)]));
}

/** `scoring_uri` as `Scoring_uri`, as az does it. */
function titled(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
