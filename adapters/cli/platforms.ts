// What the commands that serve add to the core's settings: their own, and platforms that say where to listen.
import { type HostSettings, readServerSettings, type ServerSettings } from "../../src/host.ts";
import { azureSettings } from "../azure/settings.ts";
import { lambdaPlatform } from "../lambda/platform.ts";

const HOSTS: readonly HostSettings[] = [azureSettings, lambdaPlatform];

export const platforms: HostSettings<ServerSettings> = {
  rows: HOSTS.flatMap(({ rows }) => rows),
  read: readServerSettings,
  listen(read, env) {
    const named = HOSTS.map((host) => host.listen?.(read, env) ?? {});
    return {
      addresses: named.flatMap(({ addresses }) => addresses ?? []),
      port: named.find(({ port }) => port !== undefined)?.port,
    };
  },
};
