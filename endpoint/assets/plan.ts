// What a deployment asks of this machine, looked up before anything is made: all that cannot be had is found in one go.
import { accessSync, constants, existsSync, readFileSync, type Stats, statSync } from "node:fs";
import { extname, join } from "node:path";
import {
  attempt,
  type Environment,
  findPython,
  InvalidSettingsError,
  isJavaScript,
  ScoreError,
  type ServedModel,
} from "../../src/host.ts";
import type { Code, DeploymentSpec, EnvironmentReference } from "../types.ts";
import { type AssetSources, findNamed, versionsOf } from "./asset-sources.ts";
import type { FoundModel } from "./model-view.ts";
import { problem } from "./problem.ts";
import { askPython } from "./pythons.ts";
import { type Recipe, readRecipe } from "./recipe.ts";
import { resolveSecrets } from "./secrets.ts";
import { FOREIGN_PORT, findServed } from "./served-model.ts";
import { pythonIn } from "./tools.ts";

export interface Plan {
  readonly model: FoundModel | null;
  /** In place of a script. */
  readonly served: ServedModel | null;
  /** An interpreter; how to make an environment; null: the active one. */
  readonly python: string | Recipe | null;
  readonly environmentVariables: Readonly<Record<string, string>>;
  readonly upstream: string | null;
  readonly warnings: readonly string[];
  /** What cannot be had; then the rest is not to be used. */
  readonly problems: readonly string[];
}

type Note = (text: string) => void;

/** Plans of several deployments, in their order.
 *  @param problems that are known already
 *  @throws InvalidSettingsError that has those and all that cannot be had, by deployment */
export async function planDeployments(
  specs: readonly DeploymentSpec[],
  sources: AssetSources,
  problems: readonly string[] = [],
): Promise<Plan[]> {
  const plans = await Promise.all(specs.map((spec) => planDeployment(spec, sources)));
  const found = plans.flatMap((plan, index) =>
    plan.problems.map((text) => `deployment ${specs[index]!.name}: ${text}`),
  );
  const all = [...problems, ...found];
  if (all.length > 0) throw new InvalidSettingsError(all.map((text) => ({ kind: "launcher", text })));
  return plans;
}

async function planDeployment(spec: DeploymentSpec, sources: AssetSources): Promise<Plan> {
  const problems: string[] = [];
  const warnings: string[] = [];
  const none = { model: null, served: null, python: null, environmentVariables: {}, warnings, problems };
  const name = spec.name.toLowerCase();
  const upstream = sources.upstreams.get(name) ?? null;
  // Whatever the document asks for is that server's business.
  if (upstream !== null) return { ...none, upstream };
  const add = (text: string): void => void problems.push(text);
  const script = checkScript(spec, name, add);
  const model = findModel(spec, sources, add);
  const served = model === null ? null : findServed(spec, model, name, add);
  const secrets = resolveSecrets(spec.environmentVariables, sources.secrets);
  problems.push(...secrets.problems);
  warnings.push(...secrets.warnings, ...namesOfCloudFolder(spec.environmentVariables, script));
  const isPython = spec.code === null ? served?.kind === "mlflow" : isPythonFile(spec.code.scoringScript);
  if (!isPython && sources.python.has(name)) {
    const why = spec.code === null ? "an ONNX model needs no Python" : "its script is not Python";
    warnings.push(`--python ${name} has no effect: ${why}`);
  }
  const python = isPython
    ? await problemOf(problems, () => choosePython(spec, served, name, sources, (text) => warnings.push(text)))
    : null;
  if (python !== null && typeof python === "object") warnings.push(...python.warnings);
  return {
    model,
    served,
    python: python ?? null,
    environmentVariables: secrets.variables,
    upstream,
    warnings,
    problems,
  };
}

/** @returns the file; undefined: there is none that can run here, and why has been said */
function checkScript({ code, model, environment }: DeploymentSpec, name: string, add: Note): string | undefined {
  const inference = environment?.kind === "inline" ? environment.inference : null;
  const port = inference?.scoring.port ?? FOREIGN_PORT;
  const cure = `name it with --upstream ${name}=http://localhost:${port}`;
  if (code === null) {
    if (inference !== null) {
      add(`environment.inference_config: the image brings a server of its own; start its container and ${cure}`);
    } else if (model === null) {
      add(`code_configuration is missing: name code and scoring_script; or start a server and ${cure}`);
    }
    return undefined;
  }
  return checkCode(code, inference !== null, cure, add);
}

function isPythonFile(path: string): boolean {
  return extname(path).toLowerCase() === ".py";
}

function checkCode({ folder, scoringScript }: Code, hasServer: boolean, cure: string, add: Note): string | undefined {
  const script = join(folder, scoringScript);
  const what = `code_configuration.scoring_script: ${scoringScript}`;
  if (!existsSync(folder)) add(`code_configuration.code: there is no folder ${folder}`);
  else if (!isFolder(folder)) add(`code_configuration.code: ${folder} is not a folder`);
  else if (!existsSync(script)) add(`code_configuration.scoring_script: there is no file ${script}`);
  else if (look(script)?.isFile() !== true) add(`code_configuration.scoring_script: ${script} is not a file`);
  else if (!isReadable(script)) add(`code_configuration.scoring_script: ${script} cannot be read: no permission`);
  else if (!isPythonFile(script) && !isJavaScript(script)) {
    const why = "is neither Python nor TypeScript nor JavaScript, which scorefn runs";
    add(`${what} ${why}; start a server that runs it and ${cure}`);
  } else if (hasServer && script.endsWith(".py") && !SCORES.test(readFileSync(script, "utf8"))) {
    const why = "has no run(), so that it is for the server of the image (environment.inference_config)";
    add(`${what} ${why}; start its container and ${cure}`);
  } else return script;
  return undefined;
}

/** Whatever is wrong with a path, it is not there. */
function look(path: string): Stats | undefined {
  return attempt(() => statSync(path), undefined);
}

function isFolder(path: string): boolean {
  return look(path)?.isDirectory() === true;
}

function isReadable(path: string): boolean {
  return attempt(() => accessSync(path, constants.R_OK) === undefined, false);
}

/** Python that defines or imports run(). */
const SCORES = /^\s*(?:async\s+)?def\s+run\b|^run\s*[=:]|^\s*from\s+\S+\s+import\s+(?:.*\brun\b|\*|\()/m;

function findModel({ model }: DeploymentSpec, { models }: AssetSources, add: Note): FoundModel | null {
  if (model === null) return null;
  const { name, version } = model;
  if (model.kind === "inline") {
    if (existsSync(model.path)) return { path: model.path, name, version };
    add(`model.path: there is no file or folder ${model.path}`);
    return null;
  }
  const path = findNamed(models, model);
  const pair = version === null ? model.name : `${model.name}:${version}`;
  if (path === undefined) {
    const others = versionsOf(models, model.name).map((other) => `${model.name}:${other}`);
    const given = others.length > 0 ? ` (given: ${others.join(", ")})` : "";
    add(`model ${model.text} is in a workspace or registry; say where it is here with --model ${pair}=PATH${given}`);
    return null;
  }
  if (existsSync(path)) return { path, name, version: version === "latest" ? null : version };
  add(`--model ${pair}: there is no file or folder ${path}`);
  return null;
}

/** `--python`, `--environment`, `--no-environments`, and then what the file says. */
async function choosePython(
  { environment, code }: DeploymentSpec,
  served: ServedModel | null,
  name: string,
  sources: AssetSources,
  warn: Note,
): Promise<string | Recipe | null> {
  const { env, python, environments, noEnvironments } = sources;
  const own = python.get(name);
  if (own !== undefined) return checkPython(own, `--python ${name}=${own}`, env);
  const named = environment === null ? undefined : namedEnvironment(environment, environments);
  if (named !== undefined) return checkPython(named, `--environment: ${named}`, env);
  if (environment?.kind === "registered" && !noEnvironments) {
    const { version, text } = environment;
    const pair = version === null ? environment.name : `${environment.name}:${version}`;
    throw problem(
      `environment ${text} is in a workspace or registry; say what stands for it with --environment ${pair}=PYTHON, ` +
        `name a Python with --python ${name}=PYTHON, or take the active one with --no-environments`,
    );
  }
  const inline = environment?.kind === "inline" ? environment : null;
  if (inline !== null && inline.conda !== null && !noEnvironments) {
    return readRecipe({ conda: inline.conda, codeFolder: code?.folder ?? null, env });
  }
  // Azure, too, makes the environment that the model itself asks for.
  const itsConda = served === null || environment !== null ? undefined : join(served.path, "conda.yaml");
  if (itsConda !== undefined && existsSync(itsConda) && !noEnvironments) {
    return readRecipe({ conda: itsConda, codeFolder: null, env });
  }
  const active = findPython({ python: env.SCOREFN_PYTHON || null, env });
  const image = inline === null || inline.conda !== null ? null : (inline.image ?? (inline.hasBuild ? "build" : null));
  if (image !== null && !noEnvironments) {
    const what = image === "build" ? "environment.build is not built" : `environment.image ${image} is not used`;
    warn(`${what}: the script runs here, with ${active}; name another Python with --python ${name}=PYTHON`);
  }
  return null;
}

function namedEnvironment(environment: EnvironmentReference, map: AssetSources["environments"]): string | undefined {
  if (environment.kind === "registered") return findNamed(map, environment);
  return environment.name === null ? undefined : findNamed(map, { name: environment.name, version: null, text: "" });
}

/** @param given an interpreter, or the folder of an environment   @param where begins messages   @throws ConfigError */
async function checkPython(given: string, where: string, env: Environment): Promise<string> {
  const inFolder = (["venv", "conda"] as const).map((kind) => pythonIn(given, kind));
  const file = isFolder(given)
    ? inFolder.find((path) => existsSync(path))
    : attempt(() => findPython({ python: given, env }), undefined);
  if (file === undefined) throw problem(`${where}: no Python found; name an interpreter, or a folder that holds one`);
  const found = await askPython(file, env);
  if (found === undefined) throw problem(`${where}: ${file} does not start, or is not Python`);
  if (/^(?:2\.|3\.[0-8]$)/.test(found.version)) {
    throw problem(`${where}: that is Python ${found.release}, and scorefn needs 3.9 or later`);
  }
  return file;
}

/** Where Azure has models: a path that users write down, though the variable says it. */
const CLOUD_MODELS = "/var/azureml-app/azureml-models";

function namesOfCloudFolder(variables: Readonly<Record<string, string>>, script: string | undefined): string[] {
  if (existsSync(CLOUD_MODELS)) return [];
  const cure = `holds ${CLOUD_MODELS}, which is in the cloud only; AZUREML_MODEL_DIR says where the model is`;
  const names = Object.keys(variables).filter((name) => variables[name]!.includes(CLOUD_MODELS));
  const lines = script === undefined ? [] : readFileSync(script, "utf8").split("\n");
  const line = lines.findIndex((text) => text.includes(CLOUD_MODELS));
  return [
    ...names.map((name) => `environment_variables: ${name} ${cure}`),
    ...(line < 0 ? [] : [`${script}:${line + 1} ${cure}`]),
  ];
}

async function problemOf<T>(problems: string[], action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof ScoreError)) throw error;
    problems.push(error.message);
    return undefined;
  }
}
