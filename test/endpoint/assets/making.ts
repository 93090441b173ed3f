// Makes environments, for tests of that.
import { join } from "node:path";
import { expect } from "vitest";
import { makeEnvironment } from "../../../endpoint/assets/environment.ts";
import { type Recipe, readRecipe } from "../../../endpoint/assets/recipe.ts";
import { ScoreError } from "../../../src/host.ts";
import { tree } from "../../packaging/tree.ts";
import type { Machine } from "./machine.ts";

export const never: AbortSignal = new AbortController().signal;

export const recipeFor = (yaml: string, { env }: Machine): Promise<Recipe> => {
  const root = tree({ "conda.yml": yaml });
  return readRecipe({ conda: join(root, "conda.yml"), codeFolder: null, env });
};

export async function make(
  yaml: string,
  on: Machine,
  signal: AbortSignal = never,
): Promise<{ python: string; lines: string[]; recipe: Recipe }> {
  const lines: string[] = [];
  const recipe = await recipeFor(yaml, on);
  const options = {
    cacheFolder: on.cache,
    env: on.env,
    cure: "name another",
    progress: (line: string) => lines.push(line),
  };
  const python = await makeEnvironment(recipe, options, signal);
  return { python, lines, recipe };
}

export async function failureOf(making: Promise<unknown>): Promise<string> {
  const error = await making.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(ScoreError);
  expect(error).toMatchObject({ code: "ERR_ENVIRONMENT", message: expect.not.stringContaining("\n") });
  return (error as Error).message;
}
