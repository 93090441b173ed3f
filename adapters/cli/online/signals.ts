/** How the process is asked to end: by the first signal in good order, by the second at once. */
export function watchSignals(): { readonly first: Promise<void>; readonly second: Promise<void> } {
  let [count, arrive, arriveAgain] = [0, (): void => {}, (): void => {}];
  const first = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const second = new Promise<void>((resolve) => {
    arriveAgain = resolve;
  });
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(name, () => {
      count++;
      if (count === 1) arrive();
      else arriveAgain();
    });
  }
  return { first, second };
}

const IS_WINDOWS = process.platform === "win32";

/** What a user types to end a process in good order, or at once where there is no such way. */
export function endCommand(pid: number): string {
  return IS_WINDOWS ? `taskkill /F /PID ${pid}` : `kill ${pid}`;
}

/** What to do about a process that does not answer. Only where signals can stop one can they let it go on. */
export function wakeOrEnd(pid: number): string {
  if (IS_WINDOWS) return `end it with: ${endCommand(pid)}`;
  return `let it go on with: kill -CONT ${pid}, or end it with: kill -KILL ${pid}`;
}
