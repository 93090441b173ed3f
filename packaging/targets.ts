// The clouds that a score script can be built for: for each its flags, its limits, and what builds and runs it. Read at every
// start of the command, so it loads no builder before one is asked for.

import { LAMBDA_LIMITS } from "./aws-lambda/limits.ts";
import type { Step } from "./inputs.ts";
import type { InvokeOptions, RunningBuild, StartOptions } from "./invoke.ts";
import type { BuildReport } from "./report.ts";

/** Flags of `build` by the builder's names, as given; undefined where absent. */
export type TargetOptions = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface TargetFlag {
  readonly flag: string;
  /** Name of the builder's option; default: the flag's in camel case. */
  readonly option?: string;
  readonly help: string;
  readonly kind?: "integer" | "switch" | "list";
  readonly choices?: readonly string[];
  readonly required?: boolean;
}

export interface Target {
  readonly name: string;
  /** Flags on top of those of all targets. One that several targets have does the same in each. */
  readonly flags: readonly TargetFlag[];
  /** What the cloud takes at the most, for people. */
  readonly limits: string;
  /** The flags' names, kinds and choices have been checked; what the values mean has not.
   *  @param step is told what begins   @throws ConfigError */
  build(options: TargetOptions, step: Step): Promise<BuildReport>;
  /** @returns the exit code   @throws ConfigError */
  invoke(options: InvokeOptions): Promise<number>;
  /** Starts a build on this machine. @throws Error when it does not start */
  start(options: StartOptions): Promise<RunningBuild>;
}

/** Flags of every build. */
export const COMMON_FLAGS: readonly TargetFlag[] = [
  { flag: "entry_script", help: "The score script." },
  {
    flag: "model",
    help: "A model in place of a script: an ONNX file, an MLflow model's folder, or a repository of ONNX models in Triton's layout.",
  },
  { flag: "model_name", help: "Name of that model in paths and answers. Default: the file's or the folder's." },
  { flag: "model_dir", help: "The model directory, which becomes part of the build." },
  {
    flag: "out",
    required: true,
    help: "Folder of the build. What an older build made there is replaced; what you edited or added stays.",
  },
  { flag: "external", kind: "list", help: "npm package that is copied and not bundled; may be given several times." },
  {
    flag: "requirements",
    help: "List of Python packages, or a conda file. Default is requirements.txt, or a conda file, beside the script or above.",
  },
  {
    flag: "python_version",
    help: "Python of the image, 3.9 to 3.14. Default is the conda file's, else the one in use.",
  },
  {
    flag: "try",
    choices: ["load", "init"],
    help: "How far the build is tried before it counts: its script is loaded, or init() is run as well. Default is load.",
  },
  { flag: "no_try", kind: "switch", help: "Do not try the build." },
  { flag: "quiet", kind: "switch", help: "No progress on stderr." },
  { flag: "docs", kind: "switch", help: "Take along the page to try the script with, at /docs (SCOREFN_DOCS)." },
];

const [LEAST_MB, MOST_MB] = LAMBDA_LIMITS.memoryMb;
const [LEAST_SECONDS, MOST_SECONDS] = LAMBDA_LIMITS.timeoutSeconds;

const awsLambda: Target = {
  name: "aws-lambda",
  limits: "262 MB unzipped, 10.7 GB for an image; 10,240 MB of memory; 900 seconds",
  flags: [
    { flag: "memory_mb", kind: "integer", help: `Memory in MB, ${LEAST_MB} to ${MOST_MB}. Default is 1769.` },
    { flag: "node", kind: "integer", help: "Major version of Node, 22 or 24. Default is 24." },
    { flag: "arch", choices: ["x64", "arm64"], help: "Processor. Default is this machine's." },
    { flag: "streaming", option: "streams", kind: "switch", help: "Answer piece by piece, through a Function URL." },
    { flag: "door", choices: ["url", "http-api"], help: "What requests come in by. Default is url." },
    { flag: "auth", choices: ["AWS_IAM", "NONE"], help: "Who may call a Function URL. Default is AWS_IAM." },
    {
      flag: "timeout_seconds",
      kind: "integer",
      help: `Time-out of the function, ${LEAST_SECONDS} to ${MOST_SECONDS}. Default is 30.`,
    },
    {
      flag: "check",
      help: "What a new version has to answer before it gets requests: JSON, @file, or none. Default is sample-request.json beside the script.",
    },
  ],
  async build(options, step) {
    const { buildLambda } = await import("./aws-lambda/build.ts");
    return buildLambda({ ...(options as unknown as Parameters<typeof buildLambda>[0]), step });
  },
  invoke: async (options) => (await import("./aws-lambda/invoke.ts")).invokeLambda(options),
  start: async (options) => (await import("./aws-lambda/invoke.ts")).startLambda(options),
};

const azureFunctions: Target = {
  name: "azure-functions",
  limits: "512, 2048 or 4096 MB of memory; 230 seconds for an answer",
  flags: [
    {
      flag: "memory_mb",
      kind: "integer",
      help: "Memory in MB, 512, 2048 or 4096. Default is 2048.",
    },
    { flag: "node", kind: "integer", help: "Major version of Node, 22 or 24. Default is 22." },
    { flag: "arch", choices: ["x64", "arm64"], help: "Processor of an image for a TypeScript script. Default is x64." },
    {
      flag: "template",
      choices: ["code", "container", "custom-handler"],
      help: "Kind of app. Default is code, for Python scripts container.",
    },
    {
      flag: "auth_level",
      choices: ["anonymous", "function", "admin"],
      help: "Key that a custom handler asks for. Default is function.",
    },
    {
      flag: "telemetry_mode",
      choices: ["ApplicationInsights", "OpenTelemetry"],
      help: "How the host sends telemetry (telemetryMode of host.json). Default is ApplicationInsights.",
    },
  ],
  async build(options, step) {
    const { buildAzure } = await import("./azure-functions/build.ts");
    return buildAzure({ ...(options as unknown as Parameters<typeof buildAzure>[0]), step });
  },
  invoke: async (options) => (await import("./azure-functions/invoke.ts")).invokeAzure(options),
  start: async (options) => (await import("./azure-functions/invoke.ts")).startAzure(options),
};

export const TARGETS: readonly Target[] = [awsLambda, azureFunctions];

export function targetNamed(name: string): Target | undefined {
  return TARGETS.find((target) => target.name === name);
}
