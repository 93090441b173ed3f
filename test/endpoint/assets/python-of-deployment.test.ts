// Which Python a deployment gets.
import { chmodSync, realpathSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { resolveAssets } from "../../../endpoint/assets/resolve-assets.ts";
import { JS_SCRIPT, tree } from "../../packaging/tree.ts";

import { env, inline, problemsOf, registered, setUp } from "./set-up.ts";

describe("the Python", () => {
  const python = realpathSync(env.SCOREFN_PYTHON!);
  const conda = { ...inline, image: "x", conda: { dependencies: [] } };

  test("of --python wins over all, as an interpreter or as a folder", async () => {
    const given = { environments: new Map([["sk", "/gone"]]), noEnvironments: true };
    for (const [text, found] of [
      [python, python],
      [basename(python), join(dirname(python), basename(python))],
    ]) {
      const where = { ...env, PATH: dirname(python) };
      const { resolve } = setUp(
        { environment: registered },
        { ...given, env: where, python: new Map([["blue", text!]]) },
      );
      expect((await resolve()).python).toBe(found);
    }
    const made = tree({ "venv/bin/x": "" });
    symlinkSync(python, join(made, "venv/bin/python"));
    const { resolve } = setUp({ environment: conda }, { python: new Map([["blue", join(made, "venv")]]) });
    expect((await resolve()).python).toBe(join(made, "venv/bin/python"));
  });

  test.each([
    ["/gone/python", "no Python found; name an interpreter, or a folder that holds one"],
    [tree(), "no Python found"],
    ["/bin/false", "/bin/false does not start, or is not Python"],
  ])("%s of --python is refused", async (text, reason) => {
    const [problem] = await problemsOf(setUp({}, { python: new Map([["blue", text]]) }));
    expect(problem).toContain(`--python blue=${text}: `);
    expect(problem).toContain(reason);
  });

  test("that is too old is refused", async () => {
    const folder = tree({ python: '#!/bin/sh\nprintf "3.8.1 /x/python"\n' });
    chmodSync(join(folder, "python"), 0o755);
    const [problem] = await problemsOf(setUp({}, { python: new Map([["blue", join(folder, "python")]]) }));
    expect(problem).toContain("that is Python 3.8.1, and scorefn needs 3.9 or later");
  });

  test("of a registered environment is said by --environment, or is the active one", async () => {
    const environments = new Map([["sk:1", python]]);
    expect((await setUp({ environment: registered }, { environments }).resolve()).python).toBe(python);
    expect((await setUp({ environment: registered }, { noEnvironments: true }).resolve()).python).toBeNull();
    expect(await problemsOf(setUp({ environment: registered }))).toEqual([
      "environment azureml:sk:1 is in a workspace or registry; say what stands for it with --environment sk:1=PYTHON, " +
        "name a Python with --python blue=PYTHON, or take the active one with --no-environments",
    ]);
  });

  test("of a conda file is made, or is the active one", async () => {
    const { resolve, options } = setUp({ environment: conda });
    const lines: string[] = [];
    const { spec } = setUp({ environment: conda });
    const assets = await resolveAssets(spec, options, (line) => lines.push(line));
    expect(assets.python).toContain(options.cacheFolder);
    expect(assets.warnings).toEqual([]);
    for (const line of lines) expect(line).toMatch(/^blue: /);
    expect((await resolve()).python).toBe(assets.python);
    expect((await setUp({ environment: conda }, { noEnvironments: true }).resolve()).python).toBeNull();
    const named = { ...conda, name: "mine" };
    const given = { environments: new Map([["mine", python]]) };
    expect((await setUp({ environment: named }, given).resolve()).python).toBe(python);
  });

  test("of an image is the active one, which is told", async () => {
    const { python: none, warnings } = await setUp({ environment: { ...inline, image: "img" } }).resolve();
    expect(none).toBeNull();
    expect(warnings).toEqual([
      `environment.image img is not used: the script runs here, with ${env.SCOREFN_PYTHON}; name another Python with --python blue=PYTHON`,
    ]);
    const built = await setUp({ environment: { ...inline, hasBuild: true } }).resolve();
    expect(built.warnings).toEqual([expect.stringContaining("environment.build is not built")]);
  });

  test("does not count for a script in TypeScript", async () => {
    const code = { folder: tree({ "score.ts": JS_SCRIPT }), scoringScript: "score.ts" };
    expect((await setUp({ code, environment: conda }).resolve()).python).toBeNull();
    const { warnings } = await setUp({ code }, { python: new Map([["blue", python]]) }).resolve();
    expect(warnings).toEqual(["--python blue has no effect: its script is not Python"]);
  });

  test("that is nowhere is told", async () => {
    const nowhere = { PATH: "/nowhere", HOME: "/nowhere" };
    expect(await problemsOf(setUp({}, { env: nowhere }))).toEqual([
      expect.stringContaining("no Python interpreter found"),
    ]);
  });
});
