// The AWS SAM template of a function, its alias and what checks a new version before it gets requests.

export interface TemplateOptions {
  /** Undefined: the function is a container image. */
  readonly runtime: string | undefined;
  /** `file.export`. */
  readonly handler: string;
  readonly architecture: "x86_64" | "arm64";
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly door: "url" | "http-api";
  readonly streams: boolean;
  /** Who may call a Function URL. */
  readonly auth: "AWS_IAM" | "NONE";
  /** `check/check-request.json` is there for the check of a new version to post; else it only asks for readiness. */
  readonly checkRequest: boolean;
}

/** Runtime of the function that checks a new version; it uses the AWS SDK that comes with it. */
const HOOK_RUNTIME = "nodejs22.x";

export function renderTemplate(options: TemplateOptions): string {
  const { architecture, memoryMb, timeoutSeconds, door } = options;
  return `AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Description: A score script, served by scorefn.

Resources:
  ScoreFunction:
    Type: AWS::Serverless::Function${packaging(options)}
    Properties:
${block(6, code(options))}
      Architectures: [${architecture}]
      MemorySize: ${memoryMb}
      # Longer than init() takes: an init() of more than 10 s is run again within this time.
      Timeout: ${timeoutSeconds}
      # A new version gets a tenth of the requests for five minutes, then all; an alarm takes it back.
      AutoPublishAlias: live
      DeploymentPreference:
        Type: Canary10Percent5Minutes
        Alarms:
          - !Ref ScoreFailures
        Hooks:
          PreTraffic: !Ref CheckFunction
${block(6, entrance(options))}

  ScoreFailures:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: The function answers with statuses of 500 and more.
${block(6, metric(door))}
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 1
      Threshold: 1
      ComparisonOperator: GreaterThanOrEqualToThreshold
      TreatMissingData: notBreaching

  CheckFunction:
    Type: AWS::Serverless::Function
    Properties:
      # CodeDeploy may call functions whose names begin like this.
      FunctionName: !Sub CodeDeployHook_\${AWS::StackName}_check
      CodeUri: check/
      Handler: index.handler
      Runtime: ${HOOK_RUNTIME}
      Architectures: [${architecture}]
      MemorySize: 256
      Timeout: ${timeoutSeconds + 30}
      DeploymentPreference:
        Enabled: false
      Environment:
        Variables:
          NEW_VERSION: !Ref ScoreFunction.Version
      Policies:
        - Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Action: codedeploy:PutLifecycleEventHookExecutionStatus
              Resource: !Sub arn:\${AWS::Partition}:codedeploy:\${AWS::Region}:\${AWS::AccountId}:deploymentgroup:*
            - Effect: Allow
              Action: lambda:InvokeFunction
              Resource: !Ref ScoreFunction.Version
${block(2, publicAccess(options))}
Outputs:
  Url:
    Description: Where to POST /score.
    Value: ${door === "url" ? "!GetAtt ScoreFunctionUrl.FunctionUrl" : "!GetAtt ServerlessHttpApi.ApiEndpoint"}
`.replace(/\n{3,}/g, "\n\n");
}

function packaging({ runtime }: TemplateOptions): string {
  if (runtime !== undefined) return "";
  return `
    Metadata:
      DockerContext: function
      Dockerfile: Dockerfile
      DockerTag: score`;
}

function code({ runtime, handler }: TemplateOptions): string {
  if (runtime === undefined) return "PackageType: Image";
  return `CodeUri: function/
Handler: ${handler}
Runtime: ${runtime}`;
}

function entrance({ door, streams, auth }: TemplateOptions): string {
  if (door === "http-api") {
    return `Events:
  Http:
    Type: HttpApi`;
  }
  return `FunctionUrlConfig:
  AuthType: ${auth}
  InvokeMode: ${streams ? "RESPONSE_STREAM" : "BUFFERED"}`;
}

function metric(door: TemplateOptions["door"]): string {
  if (door === "http-api") {
    return `Namespace: AWS/ApiGateway
MetricName: 5xx
Dimensions:
  - Name: ApiId
    Value: !Ref ServerlessHttpApi`;
  }
  return `Namespace: AWS/Lambda
MetricName: Url5xxCount
Dimensions:
  - Name: FunctionName
    Value: !Ref ScoreFunction`;
}

/** A URL for everybody needs two permissions; SAM adds the one for the URL itself. */
function publicAccess({ door, auth }: TemplateOptions): string {
  if (door !== "url" || auth !== "NONE") return "";
  return `
ScoreFunctionPublicAccess:
  Type: AWS::Lambda::Permission
  Properties:
    Action: lambda:InvokeFunction
    FunctionName: !Ref ScoreFunction.Alias
    Principal: "*"
    InvokedViaFunctionUrl: true
`;
}

/** The lines that are not empty, indented. */
function block(spaces: number, text: string): string {
  return text
    .split("\n")
    .map((line) => (line === "" ? line : " ".repeat(spaces) + line))
    .join("\n");
}
