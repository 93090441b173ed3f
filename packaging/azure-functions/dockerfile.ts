import type { BuildTemplate } from "./project-files.ts";

export interface DockerfileOptions {
  readonly template: BuildTemplate;
  /** Major version of Node. */
  readonly node: number;
  /** The script needs Python. */
  readonly python: boolean;
  /** Minor version of Python that the image is to have, like 3.12; of no account for other scripts. */
  readonly pythonVersion: string;
}

/** An image with the Functions host, Node for the front and, for a Python script, an interpreter with its packages. */
export function renderDockerfile({ template, node, python }: DockerfileOptions): string {
  const settings = [
    "AzureWebJobsScriptRoot=/home/site/wwwroot",
    "AzureFunctionsJobHost__Logging__Console__IsEnabled=true",
    "AzureWebJobsDisableHomepage=true",
    `FUNCTIONS_WORKER_RUNTIME=${template === "custom-handler" ? "custom" : "node"}`,
    ...(python ? ["SCOREFN_PYTHON=/opt/python/bin/python"] : []),
  ];
  return `FROM mcr.microsoft.com/azure-functions/node:4-node${node}
${python ? PYTHON : ""}COPY . /home/site/wwwroot
${python ? "RUN /opt/python/bin/python -m compileall -q /home/site/wwwroot || true\n" : ""}ENV ${settings.join(" \\\n    ")}
`;
}

const PYTHON = `RUN apt-get update \\
 && apt-get install -y --no-install-recommends libgomp1 python3 python3-venv \\
 && rm -rf /var/lib/apt/lists/*
COPY requirements.txt /opt/python/requirements.txt
RUN python3 -m venv /opt/python \\
 && /opt/python/bin/pip install --no-cache-dir -r /opt/python/requirements.txt
`;
