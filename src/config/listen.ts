import type { PlatformAddresses } from "./host-settings.ts";
import type { SettingKey, SettingsReader } from "./reader.ts";
import type { Address } from "./values.ts";

/** Where to listen.
 *  - Usually at `--host` and `--port` (5001).
 *  - A platform that names addresses is obeyed: the server listens there instead, and `--port` adds the usual address.
 *    A platform may also name another port for the usual address, which `--port` beats.
 *  - With SEPERATE_HEALTH_ENDPOINT=true also at `--health_port`, which serves the same routes (contract RT-9). The
 *    same number for both is listed twice and fails like any busy port (ENV-9).
 *  @returns the first is the main one: its port is what banner and scripts see as SERVER_PORT unless `--port` says */
export function resolveListen(
  read: SettingsReader,
  platform: PlatformAddresses,
  portRow: SettingKey,
): readonly Address[] {
  const addresses: Address[] = [...(platform.addresses ?? [])];
  const host = read.textOrDefault("host");
  const explicit = read.given("port") !== undefined;
  if (explicit || addresses.length === 0) {
    const port = (explicit ? undefined : platform.port) ?? read.integerOrDefault(portRow);
    if (!addresses.some((address) => address.port === port)) addresses.push({ host, port });
  }
  // Read in any case, so that a bad value is reported.
  const healthPort = read.integerOrDefault("healthPort");
  if (hasSeparateHealth(read)) addresses.push({ host, port: healthPort, health: true });
  return addresses;
}

export function hasSeparateHealth(read: SettingsReader): boolean {
  return read.text("separateHealthEndpoint") === "true";
}

/** Whether only this machine can connect. An address that a platform names does not count: the platform passes on what
 *  comes in from outside. */
export function isLoopbackOnly(listen: readonly Address[], platform: PlatformAddresses): boolean {
  const fromOutside = platform.port !== undefined || (platform.addresses ?? []).length > 0;
  return !fromOutside && listen.every(({ host }) => isLoopback(host));
}

/** @param host an address, or a name */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/i;
