import { hasField, type Pattern, parsePattern } from "../pattern.ts";
import { DictConfigError, type Entry, type Members, readSection, readText } from "./reader.ts";

/** A formatter, and what of it has no effect here. */
export interface Formatter {
  readonly pattern: Pattern;
  readonly ignored: readonly string[];
}

const AML_FORMATTER = "azureml_inference_server_http.log_config.AMLLogFormatter";
const BUILT_IN_FORMAT = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s";
const BARE_FORMAT = "%(message)s";
const CLASSES = [AML_FORMATTER, "logging.Formatter"];

/** What a handler without a formatter writes. */
export const BARE_FORMATTER: Formatter = { pattern: parsePattern(BARE_FORMAT, "utc"), ignored: [] };

export function readFormatters(config: Members): ReadonlyMap<string, Formatter> {
  return new Map(readSection(config, "formatters", "formatter").map(([name, entry]) => [name, readFormatter(entry)]));
}

function readFormatter(entry: Entry): Formatter {
  const { title, members } = entry;
  const factory = readText(entry, "()");
  const className = factory ?? readText(entry, "class") ?? "logging.Formatter";
  const style = readText(entry, "style") ?? "%";
  const isPercent = style === "%";
  // As in Python: only a call without the argument gets the class's own default.
  const fallback = factory === AML_FORMATTER ? BUILT_IN_FORMAT : BARE_FORMAT;
  const format = readText(entry, "format") ?? readText(entry, "fmt") ?? fallback;
  if (isPercent && members.validate !== false && !hasField(format)) {
    throw new DictConfigError(`${title}: '${format}' has no field such as %(message)s`);
  }
  const pattern = parsePattern(isPercent ? format : BUILT_IN_FORMAT, className === AML_FORMATTER ? "utc" : "local");
  const ignored = [
    ...(CLASSES.includes(className) ? [] : [`class ${className}`]),
    ...(isPercent ? [] : [`style ${style}`]),
    ...["datefmt", "defaults"].filter((member) => (members[member] ?? null) !== null),
    ...pattern.missing.map((field) => `%(${field})s`),
  ];
  return { pattern, ignored: ignored.map((what) => `${what} of ${title}`) };
}
