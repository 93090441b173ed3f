// Libraries that only telemetry takes stay files of their own beside a bundle, as the package has them: they are loaded where
// somebody has asked for what they do.
import { copyFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Plugin } from "esbuild";
import { packageFile } from "../src/host.ts";

/** Where bundles.mjs leaves them, their licences beside them. */
const FOLDER = "dist/src/telemetry";

/** Modules that have been made one file with their libraries: `sdk`, and others whose names end so. */
const LIBRARY = /\/(?:[a-z]+-)*sdk\.[jt]s$/;

export interface TelemetryFiles {
  readonly plugin: Plugin;
  /** Copies those that the bundle imports. */
  copyTo(folder: string): Promise<void>;
}

/** @param isOwn whether a module is ours */
export function telemetryFiles(isOwn: (path: string) => boolean): TelemetryFiles {
  const names = new Set<string>();
  return {
    plugin: {
      name: "telemetry",
      setup(build) {
        build.onResolve({ filter: LIBRARY }, ({ path, kind, importer }) => {
          if (kind !== "dynamic-import" || !isOwn(importer)) return undefined;
          const name = basename(path).replace(/\.[jt]s$/, "");
          names.add(name);
          return { path: `./${fileOf(name)}`, external: true };
        });
      },
    },
    async copyTo(folder) {
      for (const name of names) {
        const source = packageFile(`${FOLDER}/${name}.js`);
        await copyFile(source, join(folder, fileOf(name)));
        await copyFile(`${source}.LICENSES.txt`, join(folder, `${fileOf(name)}.LICENSES.txt`));
      }
    },
  };
}

function fileOf(name: string): string {
  return `telemetry-${name}.mjs`;
}
