// Makes of a score script what Azure Functions runs.
import { existsSync } from "node:fs";
import { cp, mkdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { isJavaScript, packageFile, VERSION } from "../../src/host.ts";
import { bundle } from "../bundle.ts";
import { copyFolder, copyPackages, copySettings, folderBytes } from "../copy.ts";
import { prepareFolder, problem } from "../folder.ts";
import type { BuildReport, SizeLine } from "../report.ts";
import { bundleScript, IMPORT_SCRIPT, SCRIPT_FILE } from "../script.ts";
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
} from "./project-files.ts";
import { zipFolder } from "./zip.ts";

export interface AzureBuildOptions {
  /** The score script. Python: its whole folder is taken; TypeScript and JavaScript: what it imports. */
  readonly entryScript: string;
  readonly modelDir?: string | undefined;
  /** Folder of the build; replaced if it is one already. */
  readonly out: string;
  /** Default: `code`, for a Python script `container`. */
  readonly template?: BuildTemplate | undefined;
  /** Key that a custom handler asks for; other templates have the setting SCOREFN_FUNCTIONS_AUTH_LEVEL. Default:
   *  `function`. */
  readonly authLevel?: AuthLevel | undefined;
  /** Memory of an instance: 512, 2048 or 4096. Default: 2048. */
  readonly memoryMb?: number | undefined;
  /** Major version of Node: 22 or 24. Default: 22. */
  readonly node?: number | undefined;
  /** Processor of an image; zips are for x64. Default: x64. */
  readonly arch?: "x64" | "arm64" | undefined;
  /** Packages that are copied and not bundled, besides those with compiled parts. */
  readonly external?: readonly string[] | undefined;
}

/** Builds into `out` and loads what was made, as the host would.
 *  @throws ConfigError that names the cause and the cure when what was asked cannot be built, or does not load */
export async function buildAzure(options: AzureBuildOptions): Promise<BuildReport> {
  const settings = resolveOptions(options);
  const { out, template } = settings;
  await prepareFolder(out, { target: "azure-functions", scorefn: VERSION, template });
  await mkdir(join(out, "dist"));
  const sizes = settings.python ? await layOutPython(settings) : await layOutJavaScript(settings);
  await writeProject(settings);
  if (template !== "custom-handler") await checkLoads(out);
  if (template === "code") sizes.push({ name: "app.zip", bytes: await pack(out) });
  return { directory: out, sizes, notes: notesOf(settings) };
}

interface Settings {
  readonly python: boolean;
  readonly entryScript: string;
  readonly modelDir: string | undefined;
  readonly out: string;
  readonly template: BuildTemplate;
  readonly authLevel: AuthLevel;
  readonly memoryMb: number;
  readonly node: number;
  readonly arch: "x64" | "arm64";
  readonly external: readonly string[];
}

function resolveOptions(options: AzureBuildOptions): Settings {
  const { authLevel = "function", memoryMb = 2_048, node = 22, arch = "x64", external = [] } = options;
  const entryScript = resolve(options.entryScript);
  const modelDir = options.modelDir === undefined ? undefined : resolve(options.modelDir);
  const out = resolve(options.out);
  const python = !isJavaScript(entryScript);
  const template = options.template ?? (python ? "container" : "code");
  if (!existsSync(entryScript)) throw problem(`there is no score script ${entryScript}; check --entry_script`);
  if (modelDir !== undefined && !existsSync(modelDir))
    throw problem(`there is no folder ${modelDir}; check --model_dir`);
  if (node !== 22 && node !== 24)
    throw problem(`Azure Functions has no Node ${node} that scorefn can use; choose 22 or 24`);
  if (![512, 2_048, 4_096].includes(memoryMb)) throw problem(`instances have 512, 2048 or 4096 MB, not ${memoryMb}`);
  if (python && template === "code") {
    throw problem("a zip for Node brings no Python along; choose the template container or custom-handler");
  }
  if (template === "code" && arch !== "x64") throw problem("a zip runs on x64; an image may be for arm64");
  if (`${dirname(entryScript)}/`.startsWith(`${out}/`)) {
    throw problem(`${out} holds the score script; choose another folder to build in`);
  }
  return { python, entryScript, modelDir, out, template, authLevel, memoryMb, node, arch, external };
}

async function layOutJavaScript(settings: Settings): Promise<SizeLine[]> {
  const { out, entryScript, arch, external } = settings;
  const script = await bundleScript(entryScript, out, external);
  await copyPackages(script.packages, out, { arch, platform: "linux" });
  await copySettings(dirname(entryScript), out);
  const host = await bundleHost(settings);
  await copyModel(settings);
  return [
    { name: "host and library", bytes: host },
    { name: "script", bytes: script.bytes },
    { name: "packages", bytes: await folderBytes(join(out, "node_modules")) },
    { name: "model", bytes: await folderBytes(join(out, "model")) },
  ];
}

/** The script's own folder is its app root, as it is for a server started there. */
async function layOutPython(settings: Settings): Promise<SizeLine[]> {
  const { out, entryScript, modelDir } = settings;
  await copyFolder(dirname(entryScript), out, [out, ...(modelDir === undefined ? [] : [modelDir])]);
  await copyFolder(packageFile("python"), join(out, "dist/python"));
  const host = await bundleHost(settings);
  await copyModel(settings);
  if (!existsSync(join(out, "requirements.txt"))) await writeFile(join(out, "requirements.txt"), "");
  return [
    { name: "host and library", bytes: host },
    { name: "model", bytes: await folderBytes(join(out, "model")) },
    { name: "app without Python and packages", bytes: await folderBytes(out) },
  ];
}

/** Bundles what answers the host. @returns the size in bytes */
async function bundleHost(settings: Settings): Promise<number> {
  const { out, entryScript, modelDir, template, python } = settings;
  const own = join(out, "dist");
  // Makes the folder the place where our own files are looked for.
  await writeFile(join(own, "package.json"), renderPackageJson("scorefn", undefined));
  const built = { entryScript: basename(entryScript), modelDir: modelDir === undefined ? null : "model" };
  const [runtime, from] = python
    ? ["createRuntime", `import{createRuntime}from"scorefn/azure/service";`]
    : [`inProcess(${IMPORT_SCRIPT})`, `import{inProcess}from"scorefn/azure/service";`];
  const [start, module, outfile, format] =
    template === "custom-handler"
      ? (["runCustomHandler", "scorefn/azure/custom-handler", "server.mjs", "esm"] as const)
      : (["register", "scorefn/functions/register", "index.cjs", "cjs"] as const);
  const entry = `import{fileURLToPath}from"node:url";${from}import{${start}}from"${module}";
const appRoot=fileURLToPath(new URL("..",import.meta.url));
void ${start}({built:{...${JSON.stringify(built)},appRoot},createRuntime:${runtime}});
`;
  const provided = ["@azure/functions-core", `../${SCRIPT_FILE}`];
  return (await bundle({ of: "host", entry, outfile: join(own, outfile), scriptDir: own, format, provided })).bytes;
}

async function copyModel({ modelDir, out }: Settings): Promise<void> {
  if (modelDir !== undefined) await cp(modelDir, join(out, "model"), { recursive: true, dereference: true });
}

async function writeProject(settings: Settings): Promise<void> {
  const { out, template, python, node, memoryMb, authLevel } = settings;
  const name = nameOf(settings);
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(out, path)), { recursive: true });
    await writeFile(join(out, path), text);
  };
  await write("host.json", renderHostJson(template));
  await write("package.json", renderPackageJson(name, template === "custom-handler" ? undefined : "dist/index.cjs"));
  await write("local.settings.json", renderLocalSettings(template));
  await write(".funcignore", renderFuncIgnore());
  if (template === "custom-handler") await write("all/function.json", renderAllFunction(authLevel));
  const files = {
    ...renderInfrastructure({ template, name, memoryMb, node }),
    ...(template === "code"
      ? {}
      : renderImageFiles({ template, node, python, ...(settings.modelDir !== undefined && { model: "model" }) })),
  };
  for (const [path, text] of Object.entries(files)) await write(path, text);
}

/** A name that azd and npm take, made from the script's folder. */
function nameOf({ entryScript }: Settings): string {
  const words =
    basename(dirname(entryScript))
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? [];
  return ["scorefn", ...words].join("-").slice(0, 60);
}

/** Loads the app in a fresh process. What init() says is not looked at: it may need what only the cloud has. */
async function checkLoads(out: string): Promise<void> {
  const app = await startAppProcess(out);
  await app.close();
  const missing = ["liveness", "readiness", "score", "swagger", "warmup"].filter(
    (name) => !app.loaded.functions.some((found) => found.name === name),
  );
  if (missing.length > 0) throw problem(`the app that was built does not register ${missing.join(", ")}`);
}

/** @returns size of the zip in bytes */
async function pack(out: string): Promise<number> {
  const file = join(out, "app.zip");
  const { files, bytes } = await zipFolder(out, file, NOT_DEPLOYED);
  const missing = ["host.json", "package.json", "dist/index.cjs", SCRIPT_FILE].filter((path) => !files.includes(path));
  if (missing.length > 0) throw problem(`${file} lacks ${missing.join(", ")}`);
  if ((await stat(file)).size !== bytes) throw problem(`${file} is not complete; is the disk full?`);
  return bytes;
}

function notesOf(settings: Settings): string[] {
  const { out, template } = settings;
  const shown = relative(process.cwd(), out) || ".";
  if (template === "code") {
    return [
      `try it:     scorefn invoke --target azure-functions ${shown} --data @request.json`,
      `or:         cd ${shown} && func start`,
      `deploy it:  cd ${shown} && azd up`,
      `or, to an app that is there: cd ${shown} && func azure functionapp publish NAME --no-build`,
      `or:         az functionapp deployment source config-zip -g GROUP -n NAME --src ${join(shown, "app.zip")}`,
    ];
  }
  const tryIt =
    template === "container"
      ? [`try it:     scorefn invoke --target azure-functions ${shown} --data @request.json`]
      : [];
  return [...tryIt, `deploy it:  cd ${shown} && azd up`];
}
