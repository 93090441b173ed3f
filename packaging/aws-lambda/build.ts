// Makes of a score script what AWS SAM deploys as a function.
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { VERSION } from "../../src/host.ts";
import { bundle } from "../bundle.ts";
import {
  copyDocsPage,
  copyInventory,
  DOCS_ON,
  fileBytes,
  folderBytes,
  refuseTaken,
  takeWorker,
  writeFiles,
} from "../files.ts";
import { type Architecture, type CommonOptions, checkNode, checkRange, type Inputs, resolveInputs } from "../inputs.ts";
import { type Content, copyBig, makeBuild, modelName, takeContent, tooLarge } from "../make.ts";
import { typed } from "../paths.ts";
import { Problems } from "../problems.ts";
import { type BuildReport, formatBytes, type SizeLine } from "../report.ts";
import { readCheckRequest, SAMPLE } from "../request-data.ts";
import { type Requirements, resolvePython } from "../requirements.ts";
import { inProcessText, layOutForNode, SCRIPT_FILE, servedName, servedText } from "../script.ts";
import { engineOf, modelNotes, sampleFolder } from "../served-model.ts";
import { trialOf, tryBuild } from "../trial.ts";
import { renderCheck } from "./check.ts";
import { renderImageFiles } from "./dockerfile.ts";
import { LAMBDA_LIMITS } from "./limits.ts";
import { renderTemplate, type TemplateOptions } from "./template.ts";

export interface LambdaBuildOptions extends CommonOptions {
  /** The answer goes out piece by piece; needs a Function URL. Default: false. */
  readonly streams?: boolean | undefined;
  readonly door?: TemplateOptions["door"] | undefined;
  /** Who may call a Function URL. Default: AWS_IAM. */
  readonly auth?: TemplateOptions["auth"] | undefined;
  /** Default: 1769 MB, which comes with one processor core. */
  readonly memoryMb?: number | undefined;
  /** Default: 30 seconds. */
  readonly timeoutSeconds?: number | undefined;
  /** What the check of a new version posts: JSON, `@file`, or `none`. Default: sample-request.json beside the script. */
  readonly check?: string | undefined;
}

/** What `scorefn invoke` has to know of a build. */
export interface LambdaSettings {
  readonly handler: string;
  readonly streams: boolean;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
}

/** Adapter and core, in a folder that is ours. */
const HOST_FILE = "host.mjs";

/** Beside the check of a new version: what it posts. */
const CHECK_REQUEST = "check-request.json";

/** Builds into `out`. @throws ConfigError that names the cause and the cure when what was asked cannot be built or deployed */
export async function buildLambda(options: LambdaBuildOptions): Promise<BuildReport> {
  const settings = await resolveOptions(options);
  const { inputs, content, requirements, python, template } = settings;
  refuseTooLarge(settings);
  const model = modelName(content);
  const { handler, streams, memoryMb, timeoutSeconds, architecture, door, auth } = template;
  return makeBuild({
    target: "aws-lambda",
    inputs,
    settings: {
      ...{ ...servedName(inputs), handler, streams, memoryMb, timeoutSeconds, architecture, door },
      ...(door === "url" && { auth }),
      ...{ node: settings.node, ...(inputs.python && { python }), ...(inputs.docs && { docs: true }) },
    },
    async layOut(out) {
      const folder = join(out, "function");
      await mkdir(folder);
      if (inputs.python) await layOutPython(settings, folder);
      else await layOutForNode(inputs, settings.engine, folder, { arch: settings.arch, platform: "linux" });
      inputs.step("bundling what answers the cloud");
      await bundleHost(settings, folder);
      if (model !== undefined) await copyBig(content.model!, join(folder, model), "the model", inputs.step);
      await writeFile(join(out, "template.yaml"), renderTemplate(template));
      await writeFiles(join(out, "check"), renderCheck(settings.check));
    },
    try(out) {
      const entry = { file: entryFile(settings), exported: "handler" };
      const trial = trialOf(inputs, join(out, "function"), model, entry);
      const { arch, node } = settings;
      return tryBuild(trial, {
        requirements,
        python: inputs.python ? python : undefined,
        worker: "scorefn/python",
        arch,
        node,
      });
    },
    measure: (out) => measure(settings, join(out, "function"), model),
    leftOut: content.leftOut,
    notes: [...requirements.notes, ...notesOf(settings)],
    warnings: publicEndpoints(template),
  });
}

interface Settings {
  readonly inputs: Inputs;
  readonly content: Content;
  readonly requirements: Requirements;
  readonly template: TemplateOptions;
  readonly arch: Architecture;
  /** Folder of what runs ONNX models; undefined: there is none. */
  readonly engine: string | undefined;
  readonly node: number;
  /** Of the image, like 3.12. */
  readonly python: string;
  readonly check: Buffer | undefined;
  /** Why there is none. */
  readonly unchecked: string;
}

/** @throws InvalidSettingsError that has all that is wrong */
async function resolveOptions(options: LambdaBuildOptions): Promise<Settings> {
  const { streams = false, door = "url", auth = "AWS_IAM", memoryMb = 1_769, timeoutSeconds = 30, node = 24 } = options;
  const problems = new Problems(options.problems);
  const inputs = resolveInputs(options, problems);
  const { entryScript, python, served } = inputs;
  const arch = options.arch ?? (process.arch === "arm64" ? "arm64" : "x64");
  if (streams && door !== "url") {
    problems.add("an HTTP API cannot stream; choose a Function URL, or do without streaming");
  }
  if (door !== "url" && options.auth !== undefined) {
    problems.add(
      "--auth has no effect with --door http-api: it is about Function URLs, and the API is open to everybody",
    );
  }
  problems.take(() => checkNode(node, "AWS Lambda"));
  problems.take(() => checkRange("memory_mb", memoryMb, LAMBDA_LIMITS.memoryMb, "MB"));
  problems.take(() => checkRange("timeout_seconds", timeoutSeconds, LAMBDA_LIMITS.timeoutSeconds, "seconds"));
  const check = await problems.wait(() => readCheckRequest(options.check, sampleFolder(inputs)));
  if (check !== undefined && check.length > LAMBDA_LIMITS.requestBytes) {
    problems.add(`--check: the request has ${formatBytes(check.length)}, and Lambda takes 6 MB; choose a smaller one`);
  }
  const engine = problems.take(() => engineOf(inputs, arch));
  const { requirements, version } = await resolvePython(inputs, options, problems);
  problems.throwIfAny();
  const content = await takeContent(inputs, [{ name: ".dockerignore", anchored: true }], RESERVED);
  return {
    inputs,
    content,
    requirements,
    arch,
    engine,
    node,
    python: version,
    check,
    unchecked:
      options.check === "none"
        ? "--check none"
        : `there is no ${SAMPLE} beside ${basename(served?.path ?? entryScript)} (--check)`,
    template: {
      runtime: python ? undefined : `nodejs${node}.x`,
      handler: streams ? "stream.handler" : "index.handler",
      architecture: arch === "arm64" ? "arm64" : "x86_64",
      memoryMb,
      timeoutSeconds,
      door,
      streams,
      auth,
      node,
      ...(python && { pythonVersion: version }),
    },
  };
}

/** Files of the script's folder that the build has its own of. */
const RESERVED: ReadonlyMap<string, string> = new Map(
  ["Dockerfile", "template.yaml", "samconfig.toml"].map((name) => [name, "the build has its own, which you may edit"]),
);

/** Nothing has been copied yet. */
function refuseTooLarge({ inputs, content }: Settings): void {
  const bytes = (content.source?.bytes ?? 0) + (content.model?.bytes ?? 0);
  const limit = inputs.python ? LAMBDA_LIMITS.imageBytes : LAMBDA_LIMITS.unzippedBytes;
  const name = inputs.python ? "image without Python and packages" : "function, unzipped";
  if (bytes > limit) throw tooLarge(name, bytes, limit, cureFor(inputs));
}

function cureFor({ python, served }: Inputs): string {
  if (served !== undefined) {
    return python
      ? "leave files out of the model's folder"
      : "build for arm64 (--arch arm64), whose engine is smaller, or write a script that loads the model from S3 in init()";
  }
  return python
    ? "leave files out of the script's folder, or load the model from S3 in init()"
    : "load the model from S3 in init()";
}

/** The script's own folder is its app root, as it is for a server started there. */
async function layOutPython(settings: Settings, folder: string): Promise<void> {
  const { inputs, content, requirements, python, node, template } = settings;
  if (content.source !== undefined) await copyBig(content.source, folder, "the script's folder", inputs.step);
  await copyInventory(await takeWorker(), join(folder, "scorefn/python"));
  await writeFile(join(folder, "requirements.txt"), requirements.text);
  await refuseTaken(folder, ["scorefn/runtime-client"]);
  await writeFiles(folder, renderImageFiles({ node, python, handler: template.handler, model: modelName(content) }));
}

async function measure({ inputs }: Settings, folder: string, model: string | undefined): Promise<SizeLine[]> {
  const host = { name: "adapter and core", bytes: await moduleBytes(join(folder, "scorefn")) };
  const taken = { name: "model", bytes: model === undefined ? 0 : await folderBytes(join(folder, model)) };
  const bytes = await folderBytes(folder);
  const cure = cureFor(inputs);
  if (inputs.python) {
    return [host, taken, { name: "image without Python and packages", bytes, limit: LAMBDA_LIMITS.imageBytes, cure }];
  }
  return [
    host,
    ...(inputs.served === undefined ? [{ name: "script", bytes: await fileBytes(join(folder, SCRIPT_FILE)) }] : []),
    {
      name: inputs.served === undefined ? "packages" : "engine",
      bytes: await folderBytes(join(folder, "node_modules")),
    },
    taken,
    { name: "function, unzipped", bytes, limit: LAMBDA_LIMITS.unzippedBytes, cure },
  ];
}

async function moduleBytes(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => extname(name) === extname(HOST_FILE));
  const sizes = await Promise.all(names.map((name) => fileBytes(join(folder, name))));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

/** Bundles what answers Lambda, as the function's own package */
async function bundleHost(settings: Settings, folder: string): Promise<void> {
  const own = join(folder, "scorefn");
  await refuseTaken(folder, [`scorefn/${HOST_FILE}`, "scorefn/package.json", entryFile(settings)]);
  await mkdir(own, { recursive: true });
  // Makes the folder the place where our own files are looked for.
  await writeFile(
    join(own, "package.json"),
    `${JSON.stringify({ name: "scorefn", version: VERSION, private: true })}\n`,
  );
  if (settings.inputs.docs) await copyDocsPage(own);
  await bundle({
    of: "host",
    entry: hostEntry(settings),
    outfile: join(own, HOST_FILE),
    scriptDir: own,
    lean: !settings.inputs.python,
    takesModels: settings.inputs.served !== undefined,
    provided: [`../${SCRIPT_FILE}`],
  });
  await writeFile(join(folder, entryFile(settings)), `export { handler } from "./scorefn/${HOST_FILE}";\n`);
}

function entryFile({ template }: Settings): string {
  return `${template.handler.split(".")[0]}.mjs`;
}

function hostEntry({ inputs, content, template: { streams } }: Settings): string {
  const modelDir = modelName(content);
  const [create, module] = streams ? ["createStreamHandler", "stream"] : ["createHandler", "index"];
  const [from, runtime] = inputs.python
    ? [`import{workers}from"scorefn/lambda/workers";`, "workers"]
    : [`import{inProcess}from"scorefn/lambda/service";`, inProcessText(inputs)];
  return `${from}import{startService}from"scorefn/lambda/service";import{${create}}from"scorefn/lambda/${module}";
${inputs.docs ? DOCS_ON : ""}export const handler=${create}(await startService(${runtime},${servedText(inputs, modelDir)}));
`;
}

/** What somebody who knows nothing but the address may call. */
function publicEndpoints({ door, auth }: TemplateOptions): string[] {
  if (door === "http-api")
    return ["the HTTP API asks nobody who they are: everybody who knows its address may call it"];
  return auth === "NONE" ? ["the Function URL is for everybody who knows it (--auth NONE)"] : [];
}

/** Of the binary tensors of the Open Inference Protocol. */
const BINARY_NOTE = "binary:     tensors in binary answers are base64 on their way through Lambda: 4.7 MB is the most";

function notesOf({ inputs, arch, check, unchecked }: Settings): string[] {
  const { python, out } = inputs;
  const shown = typed(out);
  const data = check === undefined ? "@request.json" : `@${typed(join(out, "check", CHECK_REQUEST))}`;
  return [
    ...modelNotes(inputs, arch === "x64"),
    ...(inputs.served === undefined || python ? [] : [BINARY_NOTE]),
    ...(check === undefined ? [`new versions are only asked for readiness: ${unchecked}`] : []),
    `try it:     scorefn invoke ${shown} --data ${data}`,
    `deploy it:  cd ${shown} && ${python ? "sam build && " : ""}sam deploy --guided`,
  ];
}
