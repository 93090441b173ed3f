// Platforms that may start the command and say where it has to listen.
import type { HostSettings } from "../../src/host.ts";
import { azureSettings } from "../azure/settings.ts";
import { lambdaPlatform } from "../lambda/platform.ts";

const HOSTS: readonly HostSettings[] = [azureSettings, lambdaPlatform];

export const platforms: HostSettings = {
  rows: HOSTS.flatMap(({ rows }) => rows),
  read: () => ({}),
  listen(read, env) {
    const named = HOSTS.map((host) => host.listen?.(read, env) ?? {});
    return {
      addresses: named.flatMap(({ addresses }) => addresses ?? []),
      port: named.find(({ port }) => port !== undefined)?.port,
    };
  },
};
