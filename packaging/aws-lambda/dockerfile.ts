/** Version of Lambda's runtime client in an image. */
export const RUNTIME_CLIENT = "4.0.2";

export interface DockerfileOptions {
  /** Major version of Node. */
  readonly node: number;
  /** Minor version of Python that the image is to have, like 3.12. */
  readonly python: string;
  /** `file.export`. */
  readonly handler: string;
}

/** The image of a Python function: Node for the front, Python for the script, Lambda's runtime client as entry point. */
export function renderDockerfile({ node, handler }: DockerfileOptions): string {
  return `# The runtime client is compiled, which takes tools that the function does not need.
FROM node:${node}-bookworm-slim AS runtime-client
RUN apt-get update \\
 && apt-get install -y --no-install-recommends autoconf automake ca-certificates cmake g++ libtool make python3 xz-utils \\
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/runtime-client
RUN npm init -y > /dev/null && npm install --no-audit --no-fund aws-lambda-ric@${RUNTIME_CLIENT} \\
 && test -f node_modules/aws-lambda-ric/rapid-client.node

FROM node:${node}-bookworm-slim
RUN apt-get update \\
 && apt-get install -y --no-install-recommends libgomp1 python3 python3-venv \\
 && rm -rf /var/lib/apt/lists/*
COPY requirements.txt /opt/python/requirements.txt
# Compiled now: nothing can be written where it runs.
RUN python3 -m venv /opt/python \\
 && /opt/python/bin/pip install --no-cache-dir -r /opt/python/requirements.txt \\
 && /opt/python/bin/python -m compileall -q /opt/python/lib
COPY --from=runtime-client /opt/runtime-client/node_modules /opt/runtime-client/node_modules
WORKDIR /var/task
COPY . .
# What is no Python, such as an export of a notebook, is told when it is imported.
RUN /opt/python/bin/python -m compileall -q . || true
ENV LAMBDA_TASK_ROOT=/var/task SCOREFN_PYTHON=/opt/python/bin/python
USER node
ENTRYPOINT ["node", "/opt/runtime-client/node_modules/aws-lambda-ric/index.mjs"]
CMD ["${handler}"]
`;
}
