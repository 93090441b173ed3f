// Lambda without an adapter: the server itself, told by the platform where to listen.
import { describe, expect, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { freePort, startServer } from "../../setup/server.ts";

describe("the local server as a Lambda function", () => {
  const serve = async (port: number, env: Record<string, string>): Promise<Response> => {
    const script = packageFile("test/adapters/lambda/scripts/behaves.ts");
    const args = [packageFile("dist/adapters/cli/scorefn.js"), "serve", "--entry_script", script];
    const server = startServer({ command: process.execPath, args, port, env: { PATH: process.env.PATH, ...env } });
    await server.waitReady();
    const answer = await fetch(`${server.url}/score`, { method: "POST", body: "hello" });
    expect(await answer.text()).toBe('"hello"');
    const liveness = await fetch(`${server.url}/`);
    expect(await server.stop()).toBe(0);
    return liveness;
  };

  test("listens where Lambda Web Functions says", async () => {
    const port = await freePort();
    expect((await serve(port, { AWS_LAMBDA_HTTP_ENDPOINT: `127.0.0.1:${port}` })).status).toBe(200);
  });

  test.for(["PORT", "AWS_LWA_PORT"])("listens where the Lambda Web Adapter says by %s", async (variable) => {
    const port = await freePort();
    const env = { [variable]: String(port), AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001" };
    expect((await serve(port, env)).status).toBe(200);
  });
});
