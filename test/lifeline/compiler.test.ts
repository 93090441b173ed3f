// The compiler of TypeScript scripts is a process of its own; it stays no longer than it is needed.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { hasEnded } from "../setup/front.ts";
import { startService, temporaryFolder, until } from "../setup/service.ts";

const SCRIPT = `
import { readdirSync, readFileSync } from "node:fs";
export const compilers = (): string[] => readdirSync("/proc").filter((pid) => {
  try {
    return new RegExp("^\\\\d+ \\\\(esbuild\\\\) [^Z] " + process.pid + " ").test(readFileSync("/proc/" + pid + "/stat", "utf8"));
  } catch {
    return false;
  }
});
const atLoad: string[] = compilers();
export function init(): void {}
export async function run(data: string): Promise<unknown> {
  if (data.startsWith("import ")) return (await import(data.slice(7))).compilers;
  return { atLoad, now: compilers() };
}`;

describe.skipIf(process.platform !== "linux")("the compiler", () => {
  test("ends when the script is loaded, and comes back for what is imported later", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    writeFileSync(folder.file("score.ts"), SCRIPT);
    for (const name of ["one", "two"]) {
      writeFileSync(
        folder.file(`${name}.ts`),
        'import { compilers as c } from "./score.ts"; export const compilers: string[] = c();',
      );
    }
    const service = await startService("score.ts", { AML_APP_ROOT: folder.file("") });
    onTestFinished(service.close);
    const ask = async () => JSON.parse((await service.post("{}")).text) as { atLoad: string[]; now: string[] };
    const { atLoad } = await ask();
    expect(atLoad).toHaveLength(1);
    await until(() => hasEnded(Number(atLoad[0])), "the compiler has ended");
    expect((await ask()).now).toEqual([]);
    for (const name of ["one", "two"]) {
      const again = JSON.parse((await service.post(`import ./${name}.ts`)).text) as string[];
      expect(again).toHaveLength(1);
      await until(() => hasEnded(Number(again[0])), "the compiler has ended again");
    }
  });

  test("leaves no file when its worker is killed while it compiles", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const TMPDIR = folder.file("tmp");
    mkdirSync(TMPDIR);
    const lines = Array.from({ length: 200_000 }, (_, index) => `export const x${index}: number = ${index};`);
    writeFileSync(folder.file("big.ts"), lines.join("\n"));
    writeFileSync(folder.file("score.ts"), SCRIPT);
    const service = await startService("score.ts", { AML_APP_ROOT: folder.file(""), TMPDIR });
    onTestFinished(service.close);
    const [worker] = service.workerPids();
    const before = compilersOf(worker!);
    await until(() => compilersOf(worker!).length === 0, `the compiler ${before} has ended`);
    const late = service.post("import ./big.ts");
    let compilers: number[] = [];
    await until(() => {
      compilers = compilersOf(worker!);
      return compilers.length > 0;
    }, "the compiler is there again");
    // It is handed the source about now.
    const files = new Set<string>();
    for (let look = 0; look < 50; look += 1) {
      for (const name of readdirSync(TMPDIR)) files.add(name);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    process.kill(worker!, "SIGKILL");
    await until(() => compilers.every(hasEnded), "the compiler has ended");
    expect((await late).status).toBe(500);
    expect([...files, ...readdirSync(TMPDIR)]).toEqual([]);
  });

  test("places an error in a long file like one in a short file", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const script = (comment: string): string =>
      `${comment}\nenum Level { Low }\nexport const init = (): void => {};\nexport function run(data: string): number {\n  const level: Level = Level.Low;\n  throw new Error("here " + level);\n}\n`;
    writeFileSync(folder.file("short #1.ts"), script("// short"));
    writeFileSync(folder.file("long #1.ts"), script(`// ${"long ".repeat(300_000)}`));
    for (const name of ["short #1.ts", "long #1.ts"]) {
      const service = await startService(name, { AML_APP_ROOT: folder.file(""), SCOREFN_ERROR_DETAIL: "location" });
      onTestFinished(service.close);
      const { error } = JSON.parse((await service.post("{}")).text);
      expect(error.location).toEqual({ ...error.location, file: name, line: 6, column: 9 });
    }
  });
});

function compilersOf(worker: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return new RegExp(`^\\d+ \\(esbuild\\) [^Z] ${worker} `).test(readFileSync(`/proc/${pid}/stat`, "utf8"));
      } catch {
        return false;
      }
    });
}
