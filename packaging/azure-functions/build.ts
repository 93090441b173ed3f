// Makes of a score script what Azure Functions runs.
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
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
import { type CommonOptions, checkNode, type Inputs, resolveInputs } from "../inputs.ts";
import { namesCredentials } from "../left-out.ts";
import { type Content, copyBig, makeBuild, modelName, takeContent } from "../make.ts";
import { problem } from "../out-folder.ts";
import { typed } from "../paths.ts";
import { Problems } from "../problems.ts";
import type { BuildReport, SizeLine } from "../report.ts";
import { type Requirements, resolvePython } from "../requirements.ts";
import { inProcessText, layOutForNode, SCRIPT_FILE, servedName, servedText } from "../script.ts";
import { engineOf, modelNotes } from "../served-model.ts";
import { inCopy, trialOf, tryBuild } from "../trial.ts";
import { startAppProcess } from "./app-client.ts";
import { renderInfrastructure } from "./bicep.ts";
import { renderImageFiles } from "./dockerfile.ts";
import {
  type AuthLevel,
  type BuildTemplate,
  NOT_DEPLOYED,
  renderAllFunction,
  renderFuncIgnore,
  renderHostJson,
  renderLocalSettings,
  renderPackageJson,
  type TelemetryMode,
} from "./project-files.ts";
import { checkAnswers } from "./try-handler.ts";
import { zipFolder } from "./zip.ts";

export interface AzureBuildOptions extends CommonOptions {
  /** Default: `code`, for a Python script `container`. */
  readonly template?: BuildTemplate | undefined;
  /** Key that a custom handler asks for; other templates have the setting SCOREFN_FUNCTIONS_AUTH_LEVEL. Default:
   *  `function`. */
  readonly authLevel?: AuthLevel | undefined;
  /** What host.json says of telemetry. Default: `ApplicationInsights`. */
  readonly telemetryMode?: TelemetryMode | undefined;
  /** Memory of an instance: 512, 2048 or 4096. Default: 2048. */
  readonly memoryMb?: number | undefined;
}

/** Builds into `out` and loads what was made, as the host would.
 *  @throws ConfigError that names the cause and the cure when what was asked cannot be built, or does not load */
export async function buildAzure(options: AzureBuildOptions): Promise<BuildReport> {
  const settings = await resolveOptions(options);
  const { inputs, content, template, node, python, requirements, memoryMb, authLevel, telemetryMode } = settings;
  const model = modelName(content);
  return makeBuild({
    target: "azure-functions",
    inputs,
    settings: {
      ...{ ...servedName(inputs), template, node, memoryMb },
      ...(template === "custom-handler" && { authLevel }),
      ...(inputs.python && { python }),
      ...(inputs.docs && { docs: true }),
      ...(telemetryMode !== "ApplicationInsights" && { telemetryMode }),
    },
    async layOut(out) {
      await mkdir(join(out, "dist"));
      if (inputs.python) await layOutPython(settings, out);
      else await layOutForNode(inputs, settings.engine, out, { arch: settings.arch, platform: "linux" });
      inputs.step("bundling what answers the cloud");
      await bundleHost(settings, out);
      if (model !== undefined) await copyBig(content.model!, join(out, model), "the model", inputs.step);
      await writeProject(settings, out);
    },
    async try(out) {
      const trial = trialOf(inputs, out, model);
      const { arch } = settings;
      const ofPython = inputs.python ? python : undefined;
      const notes = await tryBuild(trial, { requirements, python: ofPython, worker: "dist/python", arch, node });
      const check = template === "custom-handler" ? checkAnswers : checkRegisters;
      if (inputs.tryMode !== "no") await inCopy(trial, check);
      return notes;
    },
    ...(template === "code" && { pack: { file: PACKAGE, make: (...to) => pack(inputs.served === undefined, ...to) } }),
    measure: (out) => measure(settings, out, model),
    leftOut: content.leftOut,
    notes: [...requirements.notes, ...notesOf(settings)],
    warnings: publicEndpoints(settings),
  });
}

interface Settings {
  readonly inputs: Inputs;
  readonly content: Content;
  readonly requirements: Requirements;
  readonly template: BuildTemplate;
  readonly authLevel: AuthLevel;
  readonly telemetryMode: TelemetryMode;
  readonly memoryMb: number;
  readonly node: number;
  readonly arch: "x64" | "arm64";
  /** Folder of what runs ONNX models; undefined: there is none. */
  readonly engine: string | undefined;
  /** Of the image, like 3.12. */
  readonly python: string;
}

/** @throws InvalidSettingsError that has all that is wrong */
async function resolveOptions(options: AzureBuildOptions): Promise<Settings> {
  const { authLevel = "function", memoryMb = 2_048, node = 22, arch = "x64" } = options;
  const { telemetryMode = "ApplicationInsights" } = options;
  const problems = new Problems(options.problems);
  const inputs = resolveInputs(options, problems);
  const { python } = inputs;
  const template = options.template ?? (python ? "container" : "code");
  problems.take(() => checkNode(node, "Azure Functions"));
  if (![512, 2_048, 4_096].includes(memoryMb)) problems.add(`instances have 512, 2048 or 4096 MB, not ${memoryMb}`);
  if (python && template === "code") {
    problems.add("a zip for Node brings no Python along; choose the template container or custom-handler");
  }
  if (inputs.docs && template === "custom-handler" && authLevel !== "anonymous") {
    problems.add(
      "--docs: a custom handler asks for its key on every path, which browsers do not show for the files of a page; choose --auth_level anonymous, or another template",
    );
  }
  if (template === "code" && arch !== "x64") problems.add("a zip runs on x64; an image may be for arm64");
  if (template !== "custom-handler" && options.authLevel !== undefined) {
    problems.add(
      `--auth_level has no effect with --template ${template}; set SCOREFN_FUNCTIONS_AUTH_LEVEL as a setting of the app`,
    );
  }
  if (python && options.arch !== undefined) {
    problems.add("--arch has no effect for a Python script: docker build --platform decides");
  }
  const engine = problems.take(() => engineOf(inputs, arch));
  const { requirements, version } = await resolvePython(inputs, options, problems);
  problems.throwIfAny();
  const ignoreFiles = [{ name: ".funcignore" }, { name: ".dockerignore", anchored: true }];
  return {
    inputs,
    content: await takeContent(inputs, ignoreFiles, RESERVED),
    requirements,
    template,
    authLevel,
    telemetryMode,
    memoryMb,
    node,
    arch,
    engine,
    python: version,
  };
}

/** Files of the script's folder that the build has its own of. */
const RESERVED: ReadonlyMap<string, string> = new Map(
  ["Dockerfile", "host.json", "package.json", "package-lock.json", "azure.yaml", "app.zip"].map((name) => [
    name,
    "the build has its own, which you may edit",
  ]),
);

/** The script's own folder is its app root, as it is for a server started there. */
async function layOutPython({ inputs, content, requirements }: Settings, out: string): Promise<void> {
  if (content.source !== undefined) await copyBig(content.source, out, "the script's folder", inputs.step);
  await copyInventory(await takeWorker(), join(out, "dist/python"));
  await writeFile(join(out, "requirements.txt"), requirements.text);
}

async function measure({ inputs, template }: Settings, out: string, model: string | undefined): Promise<SizeLine[]> {
  const sizes: SizeLine[] = [
    { name: "host and library", bytes: await fileBytes(join(out, hostFile(template))) },
    { name: "model", bytes: model === undefined ? 0 : await folderBytes(join(out, model)) },
  ];
  if (inputs.python) return [...sizes, { name: "app without Python and packages", bytes: await folderBytes(out) }];
  sizes.splice(
    1,
    0,
    ...(inputs.served === undefined ? [{ name: "script", bytes: await fileBytes(join(out, SCRIPT_FILE)) }] : []),
    { name: inputs.served === undefined ? "packages" : "engine", bytes: await folderBytes(join(out, "node_modules")) },
  );
  return template === "code" ? [...sizes, { name: PACKAGE, bytes: await fileBytes(join(out, PACKAGE)) }] : sizes;
}

function hostFile(template: BuildTemplate): string {
  return template === "custom-handler" ? "dist/server.mjs" : "dist/index.cjs";
}

/** Bundles what answers the host. */
async function bundleHost(settings: Settings, out: string): Promise<void> {
  const { inputs, content, template } = settings;
  const own = join(out, "dist");
  await refuseTaken(out, [hostFile(template), "dist/package.json", "local.settings.json", "all/function.json"]);
  // Makes the folder the place where our own files are looked for.
  await writeFile(join(own, "package.json"), renderPackageJson("scorefn", undefined));
  if (inputs.docs) await copyDocsPage(own);
  const [runtime, from] = inputs.python
    ? ["createRuntime", `import{createRuntime}from"scorefn/azure/service";`]
    : [inProcessText(inputs), `import{inProcess}from"scorefn/azure/service";`];
  const [start, module, format] =
    template === "custom-handler"
      ? (["runCustomHandler", "scorefn/azure/custom-handler", "esm"] as const)
      : (["register", "scorefn/functions/register", "cjs"] as const);
  const entry = `import{fileURLToPath}from"node:url";${from}import{${start}}from"${module}";
const appRoot=fileURLToPath(new URL("..",import.meta.url));
${inputs.docs ? DOCS_ON : ""}void ${start}({built:{...${servedText(inputs, modelName(content))},appRoot},createRuntime:${runtime}});
`;
  const takesModels = inputs.served !== undefined;
  const provided = ["@azure/functions-core", `../${SCRIPT_FILE}`];
  await bundle({
    of: "host",
    entry,
    outfile: join(out, hostFile(template)),
    scriptDir: own,
    format,
    provided,
    takesModels,
  });
}

async function writeProject(settings: Settings, out: string): Promise<void> {
  const { template, inputs, content, python, node, memoryMb, authLevel, telemetryMode } = settings;
  const name = nameOf(settings);
  const image = { template, node, python: inputs.python, pythonVersion: python, model: modelName(content) };
  await writeFiles(out, {
    "host.json": renderHostJson(template, telemetryMode),
    "package.json": renderPackageJson(name, template === "custom-handler" ? undefined : hostFile(template)),
    "local.settings.json": renderLocalSettings(template),
    ".funcignore": renderFuncIgnore(),
    ...(template === "custom-handler" && { "all/function.json": renderAllFunction(authLevel) }),
    ...renderInfrastructure({ template, name, memoryMb, node }),
    ...(template !== "code" && renderImageFiles(image)),
  });
}

/** A name that azd and npm take, made from the script's folder or the model's name. */
function nameOf({ inputs: { entryScript, served } }: Settings): string {
  const words =
    (served === undefined ? basename(dirname(entryScript)) : basename(served.path, ".onnx"))
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? [];
  return ["scorefn", ...words].join("-").slice(0, MAX_NAME).replace(/-+$/, "");
}

/** Characters of a name: what azd makes of it has at most 64. */
const MAX_NAME = 40;

/** Loads the app in a fresh process; its start, and with it init(), is left out. */
async function checkRegisters(copy: string): Promise<void> {
  const app = await startAppProcess(copy, { withoutStart: true });
  await app.close();
  const missing = ["liveness", "readiness", "score", "swagger", "warmup"].filter(
    (name) => !app.loaded.functions.some((found) => found.name === name),
  );
  if (missing.length > 0) throw problem(`the app that was built does not register ${missing.join(", ")}`);
}

/** What `az` deploys. */
const PACKAGE = "app.zip";

/** @param hasScript false: there is a model   @param kept files of the user's: an environment of azd's holds secrets */
async function pack(hasScript: boolean, out: string, kept: readonly string[]): Promise<void> {
  const except = [...NOT_DEPLOYED, `${PACKAGE}.new`, ...kept.filter(namesCredentials)];
  const { files } = await zipFolder(out, join(out, PACKAGE), except);
  const needed = ["host.json", "package.json", "dist/index.cjs", ...(hasScript ? [SCRIPT_FILE] : [])];
  const missing = needed.filter((path) => !files.includes(path));
  if (missing.length > 0) throw problem(`${PACKAGE} would lack ${missing.join(", ")}`);
}

/** What somebody who knows nothing but the address may call. */
function publicEndpoints({ inputs, template, authLevel }: Settings): string[] {
  if (template === "custom-handler") {
    return authLevel === "anonymous" ? ["every path asks for no key (--auth_level anonymous)"] : [];
  }
  if (inputs.served !== undefined) {
    const page = inputs.docs ? ", /v2 and /docs" : " and /v2";
    return [
      `/, /ready, /swagger.json, /v2/health, /ping, /health and /version ask for no key; /score, /invocations${page} do (SCOREFN_FUNCTIONS_AUTH_LEVEL)`,
    ];
  }
  const page = inputs.docs ? " and /docs do" : " does";
  return [`/, /ready and /swagger.json ask for no key; /score${page} (SCOREFN_FUNCTIONS_AUTH_LEVEL)`];
}

/** An instance has one worker unless a setting says otherwise. */
const PRELOAD_NOTE =
  "memory:     where WORKER_COUNT is above 1, WORKER_PRELOAD=true has the workers share what MLflow and its packages take";

function notesOf(settings: Settings): string[] {
  const { inputs, template } = settings;
  const shown = typed(inputs.out);
  const notes = [...modelNotes(inputs, false), ...(inputs.served !== undefined && inputs.python ? [PRELOAD_NOTE] : [])];
  if (template === "code") {
    return [
      ...notes,
      `try it:     scorefn invoke ${shown} --data @request.json`,
      `or:         cd ${shown} && func start`,
      `deploy it:  cd ${shown} && azd up`,
      `or, to an app that is there: cd ${shown} && func azure functionapp publish NAME --no-build`,
      `or:         az functionapp deployment source config-zip -g GROUP -n NAME --src ${typed(join(inputs.out, "app.zip"))}`,
    ];
  }
  const tryIt = template === "container" ? [`try it:     scorefn invoke ${shown} --data @request.json`] : [];
  return [...notes, ...tryIt, `deploy it:  cd ${shown} && azd up`];
}
