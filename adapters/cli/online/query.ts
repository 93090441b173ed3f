import { compile, type JSONValue, search } from "@jmespath-community/jmespath";

/** @throws Error that says what is wrong with the expression */
export function checkQuery(expression: string): void {
  compile(expression);
}

/** @throws Error that says why the expression cannot be used with this value */
export function query(expression: string, value: unknown): unknown {
  return search(value as JSONValue, expression) ?? null;
}
