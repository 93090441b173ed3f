export { createDeployment } from "./deployment.ts";
export type { DeploymentOptions } from "./options.ts";
