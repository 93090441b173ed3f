import { readFileSync, statSync } from "node:fs";
import { placeless, SpecError } from "./problem.ts";

/** The text of a YAML file.
 *  @throws SpecError when there is no such file, or it holds no text */
export function readTextFile(path: string): string {
  const refuse = (message: string, cure = ""): SpecError => new SpecError([placeless(path, message, cure)]);
  let bytes: Buffer;
  try {
    const status = statSync(path);
    if (status.isDirectory()) throw refuse("this is a folder, not a file", "Name the YAML file in it.");
    if (!status.isFile()) throw refuse("this is not a regular file", "Name a YAML file.");
    if (status.size > MAX_FILE_BYTES) {
      throw refuse(`the file has ${status.size} bytes; at most ${MAX_FILE_BYTES} are read`, "Is it the right file?");
    }
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof SpecError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw refuse(READ_FAILURES[code ?? ""] ?? `the file cannot be read: ${message}`);
  }
  const encoding = otherEncoding(bytes);
  if (encoding !== undefined) throw refuse(`the file is ${encoding}, not UTF-8`, "Save it as UTF-8.");
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const line = new TextDecoder().decode(bytes).split("\uFFFD", 1)[0]!.split("\n").length;
    throw refuse(`line ${line} is not UTF-8`, "Save the file as UTF-8.");
  }
  const odd = CONTROL_CHARACTER.exec(text);
  if (odd !== null) {
    const code = odd[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    const line = text.slice(0, odd.index).split("\n").length;
    throw refuse(`line ${line} has the control character U+${code}, which YAML does not allow`, "Is it a text file?");
  }
  return text;
}

/** Bytes of a file that are read: 128 KiB. The largest known files of endpoints have some kilobytes, and the YAML library needs
 *  seconds for a megabyte of mistakes. */
const MAX_FILE_BYTES = 131_072;

const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "no permission to read the file",
  EPERM: "no permission to read the file",
  ENAMETOOLONG: "there is no such file: the name is too long",
  ELOOP: "the file is a link that leads to itself",
  ERR_INVALID_ARG_VALUE: "there is no such file: the name holds a null byte",
};

/** Marks that editors put at the beginning of files that are not UTF-8. */
function otherEncoding(bytes: Buffer): string | undefined {
  if (bytes.length >= 2 && bytes[0] === 0xff && bytes[1] === 0xfe) return "UTF-16 (little-endian)";
  if (bytes.length >= 2 && bytes[0] === 0xfe && bytes[1] === 0xff) return "UTF-16 (big-endian)";
  return undefined;
}

/** What YAML 1.1 does not count as printable. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL_CHARACTER = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u0084\u0086-\u009F]/;
