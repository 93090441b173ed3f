// Which versions of the documents there are, for those who need not know what is in them.
import { listVersions, SWAGGER_VERSIONS, type SwaggerVersion } from "../core/swagger-versions.ts";
import type { ScriptSchemas } from "../core/types.ts";

/** A document of the user's own (contract SW-7). */
export interface SwaggerFile {
  readonly version: SwaggerVersion;
  readonly path: string;
  /** As it is served; undefined: the file holds nothing to serve. */
  readonly text: string | undefined;
}

/** What decides which versions there are. */
export interface SwaggerSources {
  /** What the script declares; undefined: nothing (contract SW-11). */
  readonly schemas?: ScriptSchemas | undefined;
  /** What replaces generated documents. */
  readonly swaggerFiles?: readonly SwaggerFile[] | undefined;
}

export function servedVersions({ schemas, swaggerFiles = [] }: SwaggerSources): readonly SwaggerVersion[] {
  const generated = schemas?.versions ?? SWAGGER_VERSIONS;
  return SWAGGER_VERSIONS.filter(
    (version) => generated.includes(version) || ownText(swaggerFiles, version) !== undefined,
  );
}

export function ownText(files: readonly SwaggerFile[], version: SwaggerVersion): string | undefined {
  return files.find((file) => file.version === version && file.text !== undefined)?.text;
}

/** The record for logger `azmlinfsrv.swagger` (contract SW-4). */
export function swaggerSummary(sources: SwaggerSources): string {
  const versions = servedVersions(sources);
  if (versions.length === 0) return "No swagger is prepared.";
  const skipped = SWAGGER_VERSIONS.filter((version) => !versions.includes(version));
  return skipped.length === 0
    ? `Swaggers are prepared for the following versions: ${listVersions(versions)}.`
    : `Swaggers are prepared for versions ${listVersions(versions)} and skipped for versions ${listVersions(skipped)}.`;
}
