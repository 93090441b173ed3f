// Reading values of which nothing is known yet.

export type Plain = Readonly<Record<string, unknown>>;

export function isMap(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A map's own value; undefined when it has none, or is no map. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  let found = value;
  for (const key of keys) found = isMap(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  return found;
}

export function textAt(value: unknown, ...keys: readonly string[]): string | undefined {
  const found = at(value, ...keys);
  return typeof found === "string" ? found : undefined;
}

export function numberAt(value: unknown, ...keys: readonly string[]): number | undefined {
  const found = at(value, ...keys);
  return typeof found === "number" ? found : undefined;
}

/** A copy with one value changed, however deep. What is no map on the way becomes one. Every key is taken as the map's
 *  own, `__proto__` too. */
export function withValue(value: unknown, keys: readonly string[], set: unknown): Plain {
  const [key, ...rest] = keys as [string, ...string[]];
  const map = isMap(value) ? value : {};
  const changed = rest.length === 0 ? set : withValue(at(map, key), rest, set);
  const entries = Object.entries(map);
  if (!Object.hasOwn(map, key)) return Object.fromEntries([...entries, [key, changed]]);
  return Object.fromEntries(entries.map(([name, old]) => [name, name === key ? changed : old]));
}

/** A copy with every key and value mapped. */
export function mapEntries(map: Plain, change: (key: string, value: unknown) => readonly [string, unknown]): Plain {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => change(key, value)));
}
