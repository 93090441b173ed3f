export { createDeployment } from "./deployment.ts";
export type { CreateUpstream, DeploymentOptions } from "./options.ts";
