/** Names of components that the libraries put first. */
const COMPONENT = /^[A-Za-z@][\w@/.-]*$/;

/** What OpenTelemetry's libraries say of a problem, in any form, as a text. Bodies and stacks are left out. */
export function problemText(problem: readonly unknown[]): string {
  const [first, ...rest] = problem;
  const isNamed = typeof first === "string" && rest.length > 0 && COMPONENT.test(first);
  return (isNamed ? rest : problem).flatMap(textsOf).join(" ") || "something went wrong that has no name";
}

function textsOf(item: unknown): string[] {
  if (typeof item === "string") return item === "" ? [] : [item];
  if (Array.isArray(item)) return item.flatMap(textsOf);
  if (!(item instanceof Error)) return [];
  const { code } = item as { readonly code?: unknown };
  // Where a name has several addresses, none of which answers.
  const message =
    item.message || (item instanceof AggregateError ? item.errors.flatMap(textsOf).join(", ") : item.name);
  return code === undefined || message.includes(String(code)) ? [message] : [`${message} (${code})`];
}
