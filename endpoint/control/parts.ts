// Where an endpoint's control gets the other parts of an endpoint from. Each is loaded when it is first asked for.
import { processEnvironment } from "../../src/host.ts";
import type { Parts } from "./types.ts";

export const PARTS: Parts = {
  files: () => import("../spec/index.ts"),
  report: () => import("./rendered.ts"),
  async flags() {
    const { readPairs } = await import("../assets/flags.ts");
    return { pairs: readPairs };
  },
  async running() {
    const [files, assets, { withoutSecrets }, deployments, { CREDENTIALS }, { createFront }, { EndpointMetrics }] =
      await Promise.all([
        import("../spec/index.ts"),
        import("../assets/flags.ts"),
        import("../assets/secrets.ts"),
        import("../deployment/index.ts"),
        import("./credentials.ts"),
        import("./front.ts"),
        import("./metrics.ts"),
      ]);
    const metrics = new EndpointMetrics();
    return {
      files,
      credentials: CREDENTIALS,
      checkAssets: (specs, flags) => assets.checkAssets(specs, flags),
      resolveAssets: (spec, flags, work) =>
        assets.resolveWithFlags(spec, flags, work, { ...processEnvironment, ...work.secrets }),
      createDeployment: (spec, found, { log, onLine }) =>
        deployments.createDeployment(spec, found, {
          env: withoutSecrets(processEnvironment),
          subscribers: metrics.subscribers(spec),
          onLine: (name, line) => {
            log.line(shown(name, line));
            onLine(line);
          },
        }),
      createFront: (options) => createFront(options, metrics),
    };
  },
};

/** Lines of several deployments in one log say whose they are; records in JSON do so themselves. */
function shown(deployment: string, line: string): string {
  return line.startsWith('{"time":"') ? line : `${deployment} | ${line}`;
}
