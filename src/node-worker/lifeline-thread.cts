// A thread of the worker process for JavaScript and TypeScript: ends the process when the front has gone, whatever the main
// thread is doing. It reads by its event loop and not by a blocking call, for process.exit() waits for its threads.
// It is CommonJS, so that no module loader is started for it.

/** So long may the main thread take to end by itself, exit handlers of the script included, in milliseconds. */
const NOTICE_MS = 500;

const { Socket } = process.getBuiltinModule("node:net");
const { workerData } = process.getBuiltinModule("node:worker_threads");

new Socket({ fd: workerData as number, readable: true, writable: false })
  .on("error", () => {})
  .on("close", () => setTimeout(() => process.kill(process.pid, "SIGKILL"), NOTICE_MS))
  .resume();
