// Lists of packages, read as pip reads them.
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { problem } from "./problem.ts";

/** A line of a list, except those that name another list. */
export interface PipLine {
  readonly text: string;
  /** What it names: a file of constraints, a package on this machine, or anything else. */
  readonly kind: "constraints" | "local" | "other";
  /** The absolute path of the file of constraints. */
  readonly named: string | undefined;
  /** The list that holds it. */
  readonly file: string;
  /** Begins a message about it. */
  readonly where: string;
}

/** Reads it in the encoding that its first bytes tell, as pip does: `>` of PowerShell writes UTF-16.   @throws ConfigError */
export function readListFile(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw problem(`${file} cannot be read: ${(cause as Error).message}`);
  }
  const [first, second] = bytes;
  const isBigEndian = first === 0xfe && second === 0xff;
  const encoding = isBigEndian ? "utf-16be" : first === 0xff && second === 0xfe ? "utf-16le" : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}

/** A line that is fit to be shown: the text before the @ of an address may be a password. */
export function shownLine(line: string): string {
  return line.trim().replace(/(:\/\/)[^/\s]*@/g, "$1***@");
}

/** A list for pip that contains the lists that it names.
 *  @param use gives what stands in the place of a line   @throws ConfigError that names a line that pip could not read */
export function readPipList(
  text: string,
  file: string,
  use: (line: PipLine) => string,
  above: readonly string[] = [],
): string {
  const lines: string[] = [];
  // A line that ends with a backslash goes on in the next.
  let continues = false;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const where = `${file}:${index + 1}: ${shownLine(line)}:`;
    const [, short, long, name = ""] = LIST.exec(line) ?? [];
    const flag = short ?? long;
    const isFile = flag !== undefined && !/^\w+:\/\//.test(name);
    const named = isFile ? resolve(dirname(file), name) : undefined;
    if (named !== undefined && flag?.includes("c")) {
      lines.push(use({ text: line, kind: "constraints", named, file, where }));
      continue;
    }
    if (named !== undefined) {
      if (above.includes(named) || named === file) throw problem(`${where} the lists name each other in a circle`);
      if (!existsSync(named)) throw problem(`${where} there is no file ${named}`);
      lines.push(readPipList(readListFile(named), named, use, [...above, file]).replace(/\n$/, ""));
      continue;
    }
    const kind = LOCAL.test(line) ? "local" : "other";
    const used = use({ text: line, kind, named, file, where });
    if (!continues && kind === "other" && !PIP_LINE.test(line)) {
      throw problem(`${where} pip cannot read it; a line is a package with its version, such as numpy==1.26.4`);
    }
    continues = line.endsWith("\\");
    lines.push(used);
  }
  return lines.join("\n");
}

/** Names another list. The file may follow the short flags without a blank. */
const LIST = /^\s*(?:(-[rc])\s*=?\s*|(--requirement|--constraint)[\s=]+)(\S+)/;

/** Names a package on this machine: a folder, or a file with an ending that no package's name has. */
const LOCAL =
  /^\s*(?:-e\b|--editable\b|\.{1,2}(?:\/|\s*$)|\/|file:|[^\s@:/]+\.(?:whl|zip|tar\.\w+)(?:\s|$))|@\s*file:/i;

/** An empty line, a comment, an option, an address, or a name, perhaps with extras, and what may follow it. A single `=` is only
 *  conda's. */
const PIP_LINE =
  /^\s*(?:$|#|-|[\w+.-]+:\/\/|[a-z0-9](?:[\w.-]*[a-z0-9])?\s*(?:\[[^\]]*\]\s*)?(?:$|[<>=!~]=|[<>;@(\\]|#|--))/i;
