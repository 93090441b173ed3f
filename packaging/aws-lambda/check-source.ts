/** The function CodeDeploy calls before a new version gets requests: it posts the example of the version's own swagger
 *  document to it. Text, because it runs in a function of its own and uses the AWS SDK that is there. */
export const CHECK_SOURCE: string = `import { CodeDeployClient, PutLifecycleEventHookExecutionStatusCommand } from "@aws-sdk/client-codedeploy";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";

const lambda = new LambdaClient();
const codeDeploy = new CodeDeployClient();

export async function handler({ DeploymentId: deploymentId, LifecycleEventHookExecutionId }) {
  let status = "Failed";
  try {
    await check();
    status = "Succeeded";
  } catch (error) {
    console.error(error);
  }
  const lifecycleEventHookExecutionId = LifecycleEventHookExecutionId;
  await codeDeploy.send(
    new PutLifecycleEventHookExecutionStatusCommand({ deploymentId, lifecycleEventHookExecutionId, status }),
  );
}

async function check() {
  // Version 3: some schemas cannot be described in version 2.
  const swagger = JSON.parse(await call("GET", "/swagger.json", "version=3"));
  const { example = {} } = swagger.components?.schemas?.ServiceInput ?? {};
  console.log(await call("POST", "/score", "", JSON.stringify(example)));
}

async function call(method, rawPath, rawQueryString, body) {
  const event = {
    version: "2.0",
    rawPath,
    rawQueryString,
    headers: { "content-type": "application/json" },
    requestContext: { stage: "$default", http: { method, path: rawPath, sourceIp: "127.0.0.1" } },
    body,
    isBase64Encoded: false,
  };
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName: process.env.NEW_VERSION, Payload: JSON.stringify(event) }),
  );
  const text = Buffer.from(Payload).toString();
  if (FunctionError) throw new Error(method + " " + rawPath + " failed: " + text);
  // A function that streams puts its head, a JSON object and eight zero bytes, in front of the body.
  const end = text.indexOf("\\0".repeat(8));
  const head = JSON.parse(end < 0 ? text : text.slice(0, end));
  const answer = end < 0 ? head.body : text.slice(end + 8);
  if (head.statusCode !== 200) throw new Error(method + " " + rawPath + " answered " + head.statusCode + ": " + answer);
  return answer;
}
`;
