/** The versions of the description a service can be asked for, in the order they are listed. */
export const SWAGGER_VERSIONS: readonly SwaggerVersion[] = ["2", "3", "3.1"];

export type SwaggerVersion = "2" | "3" | "3.1";

/** The version a client means (contract SW-2); undefined for unknown ones. */
export function parseSwaggerVersion(text: string): SwaggerVersion | undefined {
  switch (text) {
    case "2":
    case "2.0":
      return "2";
    case "3":
    case "3.0":
      return "3";
    case "3.1":
      return "3.1";
    default:
      return undefined;
  }
}

/** `[2, 3, 3.1]`, as in messages and records (contract SW-4 to SW-6). */
export function listVersions(versions: readonly SwaggerVersion[]): string {
  return `[${versions.join(", ")}]`;
}
