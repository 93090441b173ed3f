import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { kindOfFile, readDeploymentFile, readEndpointFile, SpecError } from "../../../endpoint/spec/index.ts";
import { TEST_DEADLINE_MS } from "../../setup/deadline.ts";

const folder = mkdtempSync(join(tmpdir(), "scorefn-text-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    return (error as SpecError).message.replaceAll(`${folder}/`, "");
  }
  throw new Error("it was read");
}

function written(name: string, bytes: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Bytes of the largest file that is read. */
const MOST = 128 * 1024;

test.each<[string, string | Uint8Array, string]>([
  ["nothing", "", "f: the file is empty"],
  ["comments only", "# nothing\n", "f: the file is empty"],
  ["as many blanks as can be", " ".repeat(MOST), "f: the file is empty"],
  ["as many line ends as can be", "\n".repeat(MOST), "f: the file is empty"],
  ["null", "null\n", "f: the file is empty"],
  ["a list", "- name: a\n", "f:1:1: the file holds a list; an endpoint or deployment is a map of keys"],
  ["a text", "hello\n", 'f:1:1: the file holds the value "hello"; an endpoint or deployment is a map of keys'],
  ["a map without keys", "{}\n", "f: this is neither an endpoint nor a deployment"],
  ["more than is read", " ".repeat(MOST + 1), "f: the file has 131073 bytes; at most 131072 are read"],
  [
    "binary",
    Uint8Array.of(0x50, 0x4b, 3, 4, 0),
    "f: line 1 has the control character U+0003, which YAML does not allow",
  ],
  ["a null byte", "name: a\nb: \0\n", "f: line 2 has the control character U+0000, which YAML does not allow"],
  ["Latin-1", Uint8Array.of(0x61, 0x3a, 0x20, 0xe4, 0x0a), "f: line 1 is not UTF-8"],
  ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x61, 0), "f: the file is UTF-16 (little-endian), not UTF-8"],
  ["UTF-16 the other way round", Uint8Array.of(0xfe, 0xff, 0, 0x61), "f: the file is UTF-16 (big-endian), not UTF-8"],
])("refuses a file that holds %s", (_what, bytes, message) => {
  const path = written("f", bytes);
  for (const read of [kindOfFile, readEndpointFile, readDeploymentFile]) {
    expect(refusal(() => read(path)).split("\n")[0]).toBe(message);
  }
});

test("refuses what is no file", () => {
  const link = join(folder, "loop");
  symlinkSync(link, link);
  mkdirSync(join(folder, "folder"));
  expect(refusal(() => kindOfFile(join(folder, "folder"))).split("\n")[0]).toBe("folder: this is a folder, not a file");
  expect(refusal(() => kindOfFile(join(folder, "nowhere")))).toBe("nowhere: there is no such file");
  expect(refusal(() => kindOfFile(`${written("g", "name: a\n")}/h`))).toBe("g/h: there is no such file");
  expect(refusal(() => kindOfFile(link))).toBe("loop: the file is a link that leads to itself");
  expect(refusal(() => kindOfFile(join(folder, "x".repeat(5000))))).toMatch(
    /there is no such file: the name is too long$/,
  );
  expect(refusal(() => kindOfFile("a\0b"))).toMatch(/there is no such file: the name holds a null byte$/);
  expect(refusal(() => kindOfFile("/dev/null")).split("\n")[0]).toBe("/dev/null: this is not a regular file");
});

test("reads a file with a byte order mark and with the line ends of Windows", () => {
  const path = written("bom.yml", "\uFEFFname: house-prices\r\nauth_mode: aml_token\r\n");
  expect(readEndpointFile(path)).toEqual({ document: { name: "house-prices", auth_mode: "aml_token" }, warnings: [] });
});

test(
  "a file full of mistakes is refused with the first of them",
  () => {
    const lines = (line: (index: number) => string): string => {
      const text: string[] = [];
      for (let length = 0; length < MOST / 2; length += text.at(-1)!.length) text.push(line(text.length));
      return `name: a-b\n${text.join("")}`;
    };
    const unknown = written(
      "unknown",
      lines((index) => `trafic${index}: {}\n`),
    );
    const wrong = written("wrong", `name: a-b\ntraffic:\n${lines((index) => `  d${index}: x\n`).slice(10)}`);
    for (const path of [unknown, wrong]) {
      const text = refusal(() => readEndpointFile(path));
      expect(text.match(/^(?:unknown|wrong):\d+:\d+: /gm)).toHaveLength(100);
      expect(text).toMatch(/: there are more problems$/);
    }
    const repeated = written(
      "repeated",
      lines(() => "description: a\n"),
    );
    expect(readEndpointFile(repeated).warnings).toHaveLength(100);
  },
  TEST_DEADLINE_MS,
);
