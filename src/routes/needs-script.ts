const PATHS: ReadonlySet<string> = new Set(["/score", "/swagger.json"]);
/** Of a model that is served without one. */
const MODEL_PATHS: ReadonlySet<string> = new Set(["/invocations", "/version", "/v2/repository/index"]);

/** Whether a request has to wait for the script, or for the model; probes have not.
 *  @param path decoded */
export function needsScript(path: string, hasModel: boolean): boolean {
  if (PATHS.has(path)) return true;
  return hasModel && (MODEL_PATHS.has(path) || (path.startsWith("/v2/models/") && !path.endsWith("/ready")));
}
