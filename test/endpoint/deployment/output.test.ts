// What scripts write by other ways than print(): by path, from programs that they start, to the very end.
import { describe, expect, test } from "vitest";
import { until } from "../../setup/service.ts";
import { assetsOf, deploy, specOf } from "./deploy.ts";

describe.each(["opens_output.py", "opens_output.ts"])("%s", (script) => {
  test("opens /dev/stdout and /dev/stderr by path, and what it writes there is in the log", async () => {
    const blue = await deploy(specOf(script));
    for (const word of ["one", "two"]) expect((await blue.post(word)).status).toBe(200);
    for (const line of ["init to stdout", "init to stderr", "one to stdout", "two to stderr", "two by a program"]) {
      await until(() => blue.written().includes(line), `${line} is in the log`);
    }
  });

  test("what its last worker wrote before it was killed is in the log", async () => {
    const blue = await deploy(specOf(script));
    const [pid] = (await blue.post("last")).text.match(/\d+/) ?? [];
    process.kill(Number(pid), "SIGKILL");
    await blue.close(0);
    expect(blue.written()).toContain("last to stdout");
  });
});

test("workers that are forked from one process open it, too", async () => {
  const blue = await deploy(specOf("opens_output.py", { instanceCount: 3 }), assetsOf({ WORKER_PRELOAD: "true" }));
  await Promise.all(Array.from({ length: 6 }, () => blue.post("all")));
  await until(() => blue.written().includes("all to stdout"), "it is in the log");
});
