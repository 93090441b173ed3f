export type PythonEnvironmentName =
  | "sklearn"
  | "azmlinfsrv"
  | "tools"
  | "schemas"
  | "fuzz"
  | "debugger"
  | "reports"
  | "moto"
  | "otlp"
  | "models"
  | "wheels";
export type EnvironmentName = PythonEnvironmentName | "onnx" | "onnxruntime" | "prometheus" | "chromium";

export interface PythonEnvironment {
  readonly directory: string;
  /** Path of the interpreter; what the packages install as commands lies beside it. */
  readonly python: string;
}

/** A folder whose `node_modules` is complete, or that Debian's packages are unpacked in. */
export interface FolderEnvironment {
  readonly directory: string;
}

export interface Unavailable {
  /** The reason, in one line. */
  readonly unavailable: string;
}

export const environmentNames: readonly EnvironmentName[];

/** Looks only at what prepareEnvironments() has left behind. */
export function environment(name: PythonEnvironmentName): PythonEnvironment | Unavailable;
export function environment(name: "onnx" | "onnxruntime" | "prometheus" | "chromium"): FolderEnvironment | Unavailable;

/** Makes the environments side by side and says on stdout what became of each. Default: all that this run needs.
 *  @param options.believeFailures false to try again at once what could not be made before
 *  @throws when one is unavailable and the variable CI is set */
export function prepareEnvironments(options?: {
  readonly names?: readonly EnvironmentName[];
  readonly believeFailures?: boolean;
}): Promise<void>;
