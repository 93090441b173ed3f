// Files of endpoints and deployments: read, checked, changed and filled in.

export { mergeDocuments } from "./merge.ts";
export { SpecError, type SpecProblem } from "./problem.ts";
export {
  checkDocument,
  endpointDocument,
  kindOfFile,
  openUpdateFile,
  readDeploymentFile,
  readEndpointFile,
} from "./read.ts";
export type { DocumentKind } from "./schema.ts";
export { addValue, removeValue, setValue } from "./set.ts";
export { deploymentSpec, endpointSpec } from "./specs.ts";
export { checkTraffic, parseShares } from "./traffic.ts";
