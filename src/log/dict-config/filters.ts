import { type Entry, type Members, readSection, readText } from "./reader.ts";

/** A filter, and what of it has no effect here. */
export interface Filter {
  /** What it does to the records of one logger: pass all, stop all, or look at each message. */
  readonly decide: (logger: string) => boolean | ((message: string) => boolean);
  readonly ignored: readonly string[];
}

const ROOT_ACCESS_FILTER = "azureml_inference_server_http.log_config.RootAccessFilter";
const LIVENESS_PROBE = "GET / HTTP/1.1";

export function readFilters(config: Members): ReadonlyMap<string, Filter> {
  return new Map(readSection(config, "filters", "filter").map(([name, entry]) => [name, readFilter(entry)]));
}

function readFilter(entry: Entry): Filter {
  const className = readText(entry, "()") ?? "logging.Filter";
  if (className === ROOT_ACCESS_FILTER) {
    return { decide: () => (message) => !message.includes(LIVENESS_PROBE), ignored: [] };
  }
  if (className !== "logging.Filter") {
    return { decide: () => true, ignored: [`class ${className} of ${entry.title}`] };
  }
  const name = readText(entry, "name") ?? "";
  return { decide: (logger) => name === "" || logger === name || logger.startsWith(`${name}.`), ignored: [] };
}
