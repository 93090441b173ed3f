// Which paths a function's route stands for.

/** @param route a parameter like {name} stands for one part of the path, and one like {*name} at the end for any number */
export function isRoute(route: string, path: string): boolean {
  const rest = /(?:^|\/)\{\*\w+\}$/.exec(route);
  if (rest !== null) {
    const above = route.slice(0, rest.index);
    return path === above || path.startsWith(`${above}/`);
  }
  const [wanted, parts] = [route.split("/"), path.split("/")];
  return wanted.length === parts.length && wanted.every((part, index) => part.startsWith("{") || part === parts[index]);
}

export function trimSlashes(text: string): string {
  return text.replace(/^\/+|\/+$/g, "");
}
