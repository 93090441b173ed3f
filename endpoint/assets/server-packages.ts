// Packages that conda files name because Azure's images serve with them. Scorefn serves itself, so they are left out, unless
// the code imports what comes with them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { attempt } from "../../src/host.ts";

/** Package to modules that come with it, and that scorefn does not bring (it brings azureml.contrib.services and, where the
 *  package is absent, inference_schema). */
const WITH_SERVER = [
  ...["azureml_inference_server_http", "flask", "flask_cors", "werkzeug", "jinja2", "gunicorn", "pydantic"],
  ...["pydantic_settings", "opentelemetry", "opencensus", "psutil", "certifi"],
];
const SERVER_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "azureml-inference-server-http": WITH_SERVER,
  "azureml-defaults": [
    ...WITH_SERVER,
    ...[
      "azureml",
      "azure",
      "requests",
      "urllib3",
      "msal",
      "msrest",
      "jwt",
      "cryptography",
      "dateutil",
      "pytz",
      "numpy",
    ],
    ...["pyarrow", "jsonpickle", "packaging", "docker", "paramiko", "adal", "knack"],
  ],
};

/** Modules below `azureml` that come with other packages, or with scorefn. */
const ELSEWHERE = /^azureml\.(?:contrib\.services|ai)\b/;

/** Files of code that are read at most: more are no longer a script's own. */
const MAX_FILES = 1_000;
const FOREIGN_FOLDERS = /^(?:\..*|__pycache__|node_modules|site-packages|venv|env)$/;

/** A requirement by its package's name, as PyPI compares names. */
export function packageName(line: string): string | undefined {
  const name = /^\s*(?:[^\s=<>!~[]+::)?([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)/.exec(line)?.[1];
  return name?.toLowerCase().replace(/[-_.]+/g, "-");
}

/** Tells of a requirement whether it only brings a server that nothing here needs. @param folder with the code */
export function serverPackages(folder: string | null): (line: string) => boolean {
  let imported: ReadonlySet<string> | undefined;
  return (line) => {
    const name = packageName(line);
    const modules = name !== undefined && Object.hasOwn(SERVER_PACKAGES, name) ? SERVER_PACKAGES[name]! : undefined;
    if (modules === undefined) return false;
    imported ??= folder === null ? new Set() : importsBelow(folder);
    return !modules.some((module) => imported!.has(module));
  };
}

/** Top-level names of what the Python files of a folder import. */
function importsBelow(folder: string): ReadonlySet<string> {
  const names = new Set<string>();
  const open = [folder];
  let files = 0;
  for (let place = open.pop(); place !== undefined && files < MAX_FILES; place = open.pop()) {
    // What may not be read says nothing.
    for (const entry of attempt(() => readdirSync(place, { withFileTypes: true }), [])) {
      if (entry.isDirectory() && !FOREIGN_FOLDERS.test(entry.name)) open.push(join(place, entry.name));
      if (!entry.isFile() || !entry.name.endsWith(".py")) continue;
      files++;
      const text = attempt(() => readFileSync(join(place, entry.name), "utf8"), "");
      for (const name of importsOf(text)) names.add(name);
    }
  }
  return names;
}

function importsOf(text: string): string[] {
  const names: string[] = [];
  for (const [, from, plain = ""] of text.matchAll(
    /^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+([^#\n;]+))/gm,
  )) {
    const modules = from === undefined ? plain.split(",").map((part) => part.trim().split(/\s/)[0]!) : [from];
    names.push(...modules.filter((module) => !ELSEWHERE.test(module)).map((module) => module.split(".")[0]!));
  }
  return names;
}
