// Makes of a score script what AWS SAM deploys as a function.
import { existsSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { isJavaScript, packageFile, VERSION } from "../../src/host.ts";
import { bundle } from "../bundle.ts";
import { copyFolder, copyPackages, copySettings, folderBytes } from "../copy.ts";
import { prepareFolder, problem } from "../folder.ts";
import { type BuildReport, formatBytes, overLimit, type SizeLine } from "../report.ts";
import { bundleScript, IMPORT_SCRIPT, SCRIPT_FILE } from "../script.ts";
import { renderCheck } from "./check.ts";
import { renderImageFiles } from "./dockerfile.ts";
import { renderTemplate, type TemplateOptions } from "./template.ts";

export interface LambdaBuildOptions {
  /** The score script. Python: its whole folder is taken; TypeScript and JavaScript: what it imports. */
  readonly entryScript: string;
  readonly modelDir?: string | undefined;
  /** Folder of the build; replaced if it is one already. */
  readonly out: string;
  /** The answer goes out piece by piece; needs a Function URL. Default: false. */
  readonly streams?: boolean | undefined;
  readonly door?: TemplateOptions["door"] | undefined;
  readonly auth?: TemplateOptions["auth"] | undefined;
  /** Default: 1769 MB, which comes with one processor core. */
  readonly memoryMb?: number | undefined;
  /** Default: 30 seconds. */
  readonly timeoutSeconds?: number | undefined;
  /** Default: the machine's own. */
  readonly arch?: "x64" | "arm64" | undefined;
  /** Major version of Node: 22 or 24. Default: 24. */
  readonly node?: number | undefined;
  /** Packages that are copied and not bundled, besides those with compiled parts. */
  readonly external?: readonly string[] | undefined;
  /** List of Python packages. Default: requirements.txt beside the script, or in the folder above. */
  readonly requirements?: string | undefined;
}

/** What `scorefn invoke` has to know of a build; it lies beside the template. */
export interface LambdaBuild {
  readonly target: "aws-lambda";
  readonly scorefn: string;
  readonly handler: string;
  readonly streams: boolean;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
}

/** Adapter and core, in a folder that is ours. */
const HOST_FILE = "host.mjs";

/** Limits of Lambda in bytes: a zip unpacked with all layers, and a container image. */
const MAX_UNZIPPED_BYTES = 262_144_000;
const MAX_IMAGE_BYTES = 10_737_418_240;

/** Builds into `out`. @throws ConfigError that names the cause and the cure when what was asked cannot be built or deployed */
export async function buildLambda(options: LambdaBuildOptions): Promise<BuildReport> {
  const settings = resolveOptions(options);
  await prepareFolder(settings.out, describeBuild(settings));
  const folder = join(settings.out, "function");
  await mkdir(folder);
  const sizes = settings.python ? await layOutPython(settings, folder) : await layOutJavaScript(settings, folder);
  await writeFile(join(settings.out, "template.yaml"), renderTemplate(settings));
  await writeFiles(join(settings.out, "check"), renderCheck(undefined));
  refuseWhatIsTooLarge(sizes, settings.python);
  return { directory: settings.out, sizes, notes: notesOf(settings) };
}

interface Settings extends TemplateOptions {
  readonly python: boolean;
  readonly entryScript: string;
  readonly modelDir: string | undefined;
  readonly out: string;
  readonly arch: "x64" | "arm64";
  readonly node: number;
  readonly external: readonly string[];
  /** Undefined: there is none. */
  readonly requirements: string | undefined;
}

function resolveOptions(options: LambdaBuildOptions): Settings {
  const { streams = false, door = "url", auth = "AWS_IAM", memoryMb = 1_769, timeoutSeconds = 30, node = 24 } = options;
  const entryScript = resolve(options.entryScript);
  const modelDir = options.modelDir === undefined ? undefined : resolve(options.modelDir);
  const out = resolve(options.out);
  const arch = options.arch ?? (process.arch === "arm64" ? "arm64" : "x64");
  if (!existsSync(entryScript)) throw problem(`there is no score script ${entryScript}; check --entry_script`);
  if (modelDir !== undefined && !existsSync(modelDir))
    throw problem(`there is no folder ${modelDir}; check --model_dir`);
  if (streams && door !== "url")
    throw problem("an HTTP API cannot stream; choose a Function URL, or do without streaming");
  if (options.requirements !== undefined && !existsSync(options.requirements)) {
    throw problem(`there is no file ${options.requirements}; check --requirements`);
  }
  if (node !== 22 && node !== 24) throw problem(`AWS Lambda has no Node ${node} that scorefn can use; choose 22 or 24`);
  if (dirname(entryScript).startsWith(out))
    throw problem(`${out} holds the score script; choose another folder to build in`);
  const python = !isJavaScript(entryScript);
  return {
    python,
    entryScript,
    modelDir,
    out,
    arch,
    node,
    external: options.external ?? [],
    requirements: options.requirements === undefined ? findRequirements(entryScript) : resolve(options.requirements),
    runtime: python ? undefined : `nodejs${node}.x`,
    handler: streams ? "stream.handler" : "index.handler",
    architecture: arch === "arm64" ? "arm64" : "x86_64",
    memoryMb,
    timeoutSeconds,
    door,
    streams,
    auth,
  };
}

function findRequirements(entryScript: string): string | undefined {
  const folder = dirname(entryScript);
  return [folder, dirname(folder)].map((place) => join(place, "requirements.txt")).find((file) => existsSync(file));
}

async function layOutJavaScript(settings: Settings, folder: string): Promise<SizeLine[]> {
  const { entryScript, arch, external } = settings;
  const script = await bundleScript(entryScript, folder, external);
  await copyPackages(script.packages, folder, { arch, platform: "linux" });
  await copySettings(dirname(entryScript), folder);
  const host = await bundleHost(settings, folder);
  await copyModel(settings, folder);
  return [
    { name: "adapter and core", bytes: host },
    { name: "script", bytes: script.bytes },
    { name: "packages", bytes: await folderBytes(join(folder, "node_modules")) },
    { name: "model", bytes: await folderBytes(join(folder, "model")) },
    { name: "function, unzipped", bytes: await folderBytes(folder), limit: MAX_UNZIPPED_BYTES },
  ];
}

async function writeFiles(folder: string, files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

/** The script's own folder is its app root, as it is for a server started there. */
async function layOutPython(settings: Settings, folder: string): Promise<SizeLine[]> {
  const { entryScript, modelDir, out, node, handler, requirements } = settings;
  await copyFolder(dirname(entryScript), folder, [out, ...(modelDir === undefined ? [] : [modelDir])]);
  const host = await bundleHost(settings, folder);
  await copyFolder(packageFile("python"), join(folder, "scorefn/python"));
  await copyModel(settings, folder);
  await writeFiles(folder, renderImageFiles({ node, handler, ...(modelDir !== undefined && { model: "model" }) }));
  const list = join(folder, "requirements.txt");
  if (requirements === undefined) await writeFile(list, "");
  else await cp(requirements, list);
  return [
    { name: "adapter and core", bytes: host },
    { name: "model", bytes: await folderBytes(join(folder, "model")) },
    { name: "image without Python and packages", bytes: await folderBytes(folder), limit: MAX_IMAGE_BYTES },
  ];
}

async function copyModel({ modelDir }: Settings, folder: string): Promise<void> {
  if (modelDir !== undefined) await cp(modelDir, join(folder, "model"), { recursive: true, dereference: true });
}

/** Bundles what answers Lambda, as the function's own package. @returns the size in bytes */
async function bundleHost(settings: Settings, folder: string): Promise<number> {
  const own = join(folder, "scorefn");
  await mkdir(own);
  // Makes the folder the place where our own files are looked for.
  await writeFile(
    join(own, "package.json"),
    `${JSON.stringify({ name: "scorefn", version: VERSION, private: true })}\n`,
  );
  const { bytes } = await bundle({
    of: "host",
    entry: hostEntry(settings),
    outfile: join(own, HOST_FILE),
    scriptDir: own,
    provided: [`../${SCRIPT_FILE}`],
  });
  const file = join(folder, `${settings.handler.split(".")[0]}.mjs`);
  await writeFile(file, `export { handler } from "./scorefn/${HOST_FILE}";\n`);
  return bytes;
}

function hostEntry({ python, entryScript, modelDir, streams }: Settings): string {
  const options = { entryScript: basename(entryScript), ...(modelDir !== undefined && { modelDir: "model" }) };
  const [create, module] = streams ? ["createStreamHandler", "stream"] : ["createHandler", "index"];
  const [from, runtime] = python
    ? [`import{workers}from"scorefn/lambda/workers";`, "workers"]
    : [`import{inProcess}from"scorefn/lambda/service";`, `inProcess(${IMPORT_SCRIPT})`];
  return `${from}import{startService}from"scorefn/lambda/service";import{${create}}from"scorefn/lambda/${module}";
export const handler=${create}(await startService(${runtime},${JSON.stringify(options)}));
`;
}

function describeBuild({ handler, streams, memoryMb, timeoutSeconds }: Settings): LambdaBuild {
  return { target: "aws-lambda", scorefn: VERSION, handler, streams, memoryMb, timeoutSeconds };
}

function refuseWhatIsTooLarge(sizes: readonly SizeLine[], python: boolean): void {
  for (const { name, bytes, limit } of overLimit(sizes)) {
    const cure = python
      ? "leave files out of the script's folder, or load the model from S3 in init()"
      : "load the model from S3 in init()";
    throw problem(`${name}: ${formatBytes(bytes)}, and AWS Lambda takes ${formatBytes(limit!)}; ${cure}`);
  }
}

function notesOf({ python, out }: Settings): string[] {
  const shown = relative(process.cwd(), out) || ".";
  return [
    `try it:     scorefn invoke --target aws-lambda ${shown} --data @request.json`,
    `deploy it:  cd ${shown} && ${python ? "sam build && " : ""}sam deploy --guided`,
  ];
}
