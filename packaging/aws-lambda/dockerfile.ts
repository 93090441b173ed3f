import { DEFAULT_PYTHON, NO_MODEL, nodeImage, pythonImage, readTemplate, replaceOnce } from "../templates/index.ts";

export interface DockerfileOptions {
  /** Major version of Node. */
  readonly node: number;
  /** `file.export`. */
  readonly handler: string;
  /** Version of Python, as in `3.11`. Default: 3.11. */
  readonly python?: string | undefined;
  /** Name of the model's folder; undefined: there is none. */
  readonly model?: string | undefined;
}

/** What an image of a Python function takes besides the function: Node for the front, Python for the script, Lambda's
 *  runtime client as entry point. @returns texts by their paths below the function's folder */
export function renderImageFiles(options: DockerfileOptions): Record<string, string> {
  const { node, handler, python = DEFAULT_PYTHON, model = NO_MODEL } = options;
  let dockerfile = readTemplate("aws-lambda/Dockerfile");
  dockerfile = replaceOnce(
    dockerfile,
    "ARG PYTHON_IMAGE=python:3.11-slim-bookworm",
    `ARG PYTHON_IMAGE=${pythonImage(python)}`,
  );
  dockerfile = replaceOnce(dockerfile, "ARG NODE_IMAGE=node:24-bookworm-slim", `ARG NODE_IMAGE=${nodeImage(node)}`);
  dockerfile = replaceOnce(dockerfile, "ARG MODEL_DIR=model", `ARG MODEL_DIR=${model}`);
  dockerfile = replaceOnce(dockerfile, 'CMD ["index.handler"]', `CMD ["${handler}"]`);
  const files: Record<string, string> = {
    Dockerfile: dockerfile,
    ".dockerignore": readTemplate("aws-lambda/.dockerignore"),
  };
  for (const name of ["package.json", "package-lock.json"]) {
    files[`scorefn/runtime-client/${name}`] = readTemplate(`aws-lambda/runtime-client/${name}`);
  }
  return files;
}
