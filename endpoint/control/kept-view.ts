import { addressOf } from "./address.ts";
import { Member } from "./member.ts";
import { type Shown, showEndpoint } from "./shown.ts";
import type { KeptEndpoint } from "./state/store.ts";
import type { FilesPart } from "./types.ts";

/** An endpoint whose process does not run, as `list` shows it. */
export function keptEndpoint({ document, deployments, host, port }: KeptEndpoint, files: FilesPart): Shown {
  const members = Object.values(deployments).map((kept) => new Member(files.deploymentSpec(kept.document)));
  const spec = files.endpointSpec(document);
  return showEndpoint({ document, spec, state: "Succeeded", address: addressOf(host, port), members });
}
