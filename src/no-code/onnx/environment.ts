/** Of this process: what the settings say stands in it, for a worker as for a runtime in the host's own process. */
export const environment: NodeJS.ProcessEnv = process.env;
