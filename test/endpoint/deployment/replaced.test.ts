// When a version counts as gone, whose files may then be removed: not before its last worker.
import { expect, test } from "vitest";
import type { Replaced } from "../../../endpoint/types.ts";
import { isAlive, until } from "../../setup/service.ts";
import { assetsOf, deploy, gates, specOf } from "./deploy.ts";

test("a version that is replaced has ended when its last request is answered and its workers are gone", async () => {
  const [gate] = await gates(1);
  const blue = await deploy(specOf("waits_for_file.ts", { instanceCount: 2 }));
  const runs = blue.post(gate!.path);
  await gate!.begun();
  const { ended }: Replaced = await blue.update(specOf("echo.ts"), assetsOf());
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  const again = await blue.update(specOf("echo.ts"), assetsOf());
  // The second version had nothing to do, and is gone; the first one still answers.
  await again.ended;
  expect([hasEnded, blue.leaving]).toEqual([false, 1]);
  await gate!.open();
  const old = Number((await runs).text);
  await ended;
  expect(isAlive(old)).toBe(false);
});

test("a version that the end of the deployment overtakes has ended with it", async () => {
  const [gate] = await gates(1);
  const blue = await deploy(specOf("waits_for_file.ts"));
  const runs = blue.post(gate!.path);
  await gate!.begun();
  const { ended } = await blue.update(specOf("echo.ts"), assetsOf());
  await blue.close(0);
  await runs;
  await ended;
  await until(() => blue.leaving === 0, "nothing is left");
});
