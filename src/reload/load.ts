/** For servers that reload; all others do without. */
export const loadReload = (): Promise<typeof import("./index.ts")> => import("./index.ts");
