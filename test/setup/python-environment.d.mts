/** The name of an interpreter on PATH. */
export const PYTHON: string;

/** Path of the interpreter of an environment. */
export function pythonOf(directory: string): string;

/** Makes an environment anew.
 *  @param options.lists requirements files, which have to agree   @param options.state folder for a uv of our own
 *  @param options.say is told what is going on, in a few words
 *  @throws with `stderr`, when a package cannot be had */
export function makePythonEnvironment(options: {
  readonly directory: string;
  readonly lists: readonly string[];
  readonly state: string;
  readonly say: (text: string) => void;
}): Promise<void>;

/** uv, and variables with which it takes packages from where pip does; undefined: it cannot be had. */
export function uvProgram(): Promise<{ readonly file: string; readonly env: NodeJS.ProcessEnv } | undefined>;
