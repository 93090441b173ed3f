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
