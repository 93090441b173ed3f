import { basename } from "node:path";
import type { ScoreError } from "../core/errors.ts";
import type { Events } from "../core/events.ts";
import type { Logger } from "../core/log.ts";

const GOES_ON = "The last good version goes on serving.";
const NOBODY = "Requests get 503 until an edit mends it.";

/** Writes what becomes of edits. */
export function createReloadLog(logger: Logger): Events {
  return {
    reloading: ({ changed }) => logger.info(`${changedText(changed)}; reloading`),
    reloadSlow: ({ ms, isServed }) =>
      logger.warning(
        `The new version has not come up within ${Math.round(ms)} ms: it still loads, or init() hangs. ${isServed ? GOES_ON : "Requests wait."}`,
      ),
    reloaded: ({ ms }) => logger.info(`Reloaded in ${Math.round(ms)} ms`),
    reloadFailed: ({ changed, failure, ms, isServed }) =>
      logger.error(
        `${changed.length === 0 ? "The start" : "Reload"} failed after ${Math.round(ms)} ms: ${placeOf(failure)}${failure.message} ${isServed ? GOES_ON : NOBODY}`,
      ),
  };
}

function changedText(changed: readonly string[]): string {
  const [first = "", ...others] = changed;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return `${basename(first)}${more} changed`;
}

function placeOf({ report }: ScoreError): string {
  const at = report?.location;
  return at ? `${at.file}:${at.line}${at.column === null ? "" : `:${at.column}`}: ` : "";
}
