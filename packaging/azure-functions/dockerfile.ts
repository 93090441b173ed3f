import { DEFAULT_PYTHON, NO_MODEL, pythonImage, readTemplate, replaceOnce } from "../templates/index.ts";
import type { BuildTemplate } from "./project-files.ts";

export interface DockerfileOptions {
  readonly template: BuildTemplate;
  /** Major version of Node. */
  readonly node: number;
  /** The script needs Python. */
  readonly python: boolean;
  /** Version of Python, as in `3.11`. Default: 3.11. */
  readonly pythonVersion?: string | undefined;
  /** Name of the model's folder; undefined: there is none. */
  readonly model?: string | undefined;
}

/** What an image takes besides the app: the Functions host, Node for the front and, for a Python script, an interpreter
 *  with its packages. @returns texts by their paths */
export function renderImageFiles(options: DockerfileOptions): Record<string, string> {
  const { template, node, python, pythonVersion = DEFAULT_PYTHON, model = NO_MODEL } = options;
  let dockerfile = readTemplate(`azure-functions/${python ? "python" : "node"}.Dockerfile`);
  dockerfile = replaceOnce(dockerfile, "node:4-node22\n", `node:4-node${node}\n`);
  if (python)
    dockerfile = replaceOnce(dockerfile, `=${pythonImage(DEFAULT_PYTHON)}\n`, `=${pythonImage(pythonVersion)}\n`);
  dockerfile = replaceOnce(dockerfile, "ARG MODEL_DIR=model", `ARG MODEL_DIR=${model}`);
  if (template === "custom-handler") {
    dockerfile = replaceOnce(dockerfile, "FUNCTIONS_WORKER_RUNTIME=node", "FUNCTIONS_WORKER_RUNTIME=custom");
  }
  return { Dockerfile: dockerfile, ".dockerignore": readTemplate("azure-functions/.dockerignore") };
}
