import { parse } from "node:path";
import { Worker } from "node:worker_threads";
import { packageFile } from "../core/package-root.ts";
import { LIFELINE_FD } from "../protocol/messages.ts";

/** From now on this process ends with the front, even while its main thread never comes back from a loop or a call. To be
 *  called first of all, so that it holds while the script is loaded.
 *
 *  A thread is what Node offers for it: there is no way to have the kernel send a signal, and a guard process of a few
 *  hundred kilobytes would need a shell, which many images do not have. It costs about 8 MB, and 30 ms on another
 *  core. Smaller heap limits save nothing. */
export function holdLifeline(): void {
  leaveVanishedFolder();
  const thread = new Worker(packageFile("dist/src/node-worker/lifeline-thread.cjs"), {
    name: "scorefn-lifeline",
    workerData: LIFELINE_FD,
    // What the user has Node load first (NODE_OPTIONS, --import) has no business in this thread.
    execArgv: [],
    env: {},
  });
  thread.unref();
  // Without it the main thread still ends when it sees the pipe close.
  thread.on("error", (error) => process.stderr.write(`scorefn worker ${process.pid}: no lifeline: ${error.message}\n`));
}

/** Node starts no thread in a folder that is not there any more, and that of the module hooks would be waited for in vain. */
function leaveVanishedFolder(): void {
  try {
    process.cwd();
  } catch {
    process.chdir(parse(process.execPath).root);
  }
}
