import { resolve } from "node:path";
import { type Environment, resolveUsableLater, type UsableConfig } from "../../src/host.ts";

export type { Environment } from "../../src/host.ts";

/** What is known of a function before its environment is looked at. */
export interface FunctionOptions {
  /** Score script and model directory, relative to the function's folder; the variables AZUREML_ENTRY_SCRIPT and
   *  AZUREML_MODEL_DIR beat them. */
  readonly entryScript?: string | undefined;
  readonly modelDir?: string | undefined;
  /** A model that is served without a script, relative to the function's folder; the variable SCOREFN_MODEL beats it. */
  readonly model?: string | undefined;
  /** Its name; the variable SCOREFN_MODEL_NAME beats it. */
  readonly modelName?: string | undefined;
  /** Takes the place of the process's own. */
  readonly env?: Environment | undefined;
}

/** Lambda and the function's configuration speak through it. */
// biome-ignore lint/style/noProcessEnv: the one place where the adapter takes it, to put the cloud's defaults below it
export const processEnvironment: NodeJS.ProcessEnv = process.env;

export function readSettings(options: FunctionOptions): Promise<UsableConfig> {
  const { env = processEnvironment } = options;
  const fixed = { ...FIXED, ...(isLambda(env) && { HOME: "/tmp" }), ...(asksForMetrics(env) && NO_PAGE) };
  return resolveUsableLater({ env: { ...cloudDefaults(options, env), ...given(env), ...fixed }, cwd: taskRoot(env) });
}

/** What SCOREFN_METRICS may say here: there is nobody who would ask for a page of metrics, and nothing that adds up. */
const EMF = "emf";

/** Whether each request is to be told of in CloudWatch's embedded metric format. */
export function asksForMetrics({ SCOREFN_METRICS: given }: Environment): boolean {
  return given?.toLowerCase() === EMF;
}

/** One worker, as one request is answered at a time; and nothing that happens by the clock, which stands still while the
 *  environment is frozen and then jumps. The deadline of the request bounds all waiting. */
const FIXED = { WORKER_COUNT: "1", WORKER_TIMEOUT: "0", SCOREFN_QUEUE_TIMEOUT_MS: "0" };

/** The core knows metrics as a page. */
const NO_PAGE = { SCOREFN_METRICS: "off" };

/** Memory that comes with one processor core, in MB. */
const MB_PER_CORE = 1_769;

/** What is different in the cloud; a variable of the function beats it. */
function cloudDefaults(
  { entryScript, modelDir, model, modelName }: FunctionOptions,
  env: Environment,
): Record<string, string> {
  const root = taskRoot(env);
  const defaults: Record<string, string> = { AML_APP_ROOT: root, SCOREFN_ERROR_DETAIL: "none" };
  if (entryScript !== undefined) defaults.AZUREML_ENTRY_SCRIPT = entryScript;
  if (model !== undefined) defaults.SCOREFN_MODEL = resolve(root, model);
  if (modelName !== undefined) defaults.SCOREFN_MODEL_NAME = modelName;
  if (modelDir !== undefined) defaults.AZUREML_MODEL_DIR = resolve(root, modelDir);
  if (!isLambda(env)) return defaults;
  // Only /tmp can be written to, and a thread more than there are cores only waits.
  const cores = Math.max(1, Math.round(Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? MB_PER_CORE) / MB_PER_CORE));
  return {
    ...defaults,
    PYTHONDONTWRITEBYTECODE: "1",
    MPLCONFIGDIR: "/tmp/matplotlib",
    NUMBA_CACHE_DIR: "/tmp/numba",
    HF_HOME: "/tmp/huggingface",
    OMP_NUM_THREADS: String(cores),
  };
}

function isLambda(env: Environment): boolean {
  return env.AWS_LAMBDA_RUNTIME_API !== undefined;
}

function taskRoot(env: Environment): string {
  return env.LAMBDA_TASK_ROOT || process.cwd();
}

/** A variable without a value is one that was left blank in a template. */
function given(env: Environment): Record<string, string> {
  const pairs = Object.entries(env).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return Object.fromEntries(pairs);
}
