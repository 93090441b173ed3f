// What never becomes part of a build, and what the user's own ignore files add to it. docs/building.md states the list.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ignore, { type Ignore } from "ignore";

/** Patterns of gitignore that leave files out for one reason. Case does not count. */
interface Rule {
  readonly why: string;
  readonly patterns: readonly string[];
}

export const CREDENTIALS = "may hold credentials";

/** A folder that holds one of these files is an environment of Python, whatever its name. */
const ENVIRONMENT_MARKS = ["pyvenv.cfg", "conda-meta"];

export const BUILT_IN_RULES: readonly Rule[] = [
  { why: "version control", patterns: [".git", ".hg", ".svn", ".bzr", "CVS", ".gitattributes", ".gitmodules"] },
  {
    why: CREDENTIALS,
    patterns: [
      ...[".env", ".env.*", "*.env", ".envrc", ".aws", ".azure", ".ssh", ".gnupg", ".kube", ".docker", ".gcloud"],
      ...[".netrc", "_netrc", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", ".git-credentials", ".databrickscfg"],
      ...["*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk", "*.publishsettings"],
      ...["id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "credentials", "credentials*.json", "client_secret*.json"],
      ...["service-account*.json", "service_account*.json", "application_default_credentials.json"],
      ...[
        "local.settings.json",
        "secrets.json",
        "secrets.toml",
        "secrets.y*ml",
        "*.tfstate*",
        "*.tfvars",
        ".terraform",
      ],
      ...[".htpasswd", ".pgpass", ".my.cnf", ".boto", ".s3cfg", ".dockercfg", "kubeconfig", "accessTokens.json"],
    ],
  },
  { why: "an ignore file", patterns: [".scorefnignore", ".gitignore", ".funcignore", ".dockerignore"] },
  { why: "packages come by the bundle or by requirements.txt", patterns: ["node_modules"] },
  { why: "a Python environment", patterns: [".venv", "venv", ".virtualenv"] },
  {
    why: "a cache, or of a tool",
    patterns: [
      ...["__pycache__", "*.py[co]", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".nox", ".cache"],
      ...[".ipynb_checkpoints", ".hypothesis", ".coverage", ".idea", ".vscode", ".DS_Store", "Thumbs.db", ".aws-sam"],
    ],
  },
];

/** Why a file or folder is left out; undefined: it is taken.
 *  @param path below the folder, with slashes   @param place where it is */
export type LeaveOut = (path: string, isFolder: boolean, place: string) => string | undefined;

/** An ignore file of the user's; its patterns count as gitignore has them.
 *  `anchored`: as Docker has them, which begin at the folder. */
export interface IgnoreFile {
  readonly name: string;
  readonly anchored?: boolean;
}

/** Asked for in all builds. Here, and only here, `!pattern` takes along what the list above would leave out. */
export const OWN_IGNORE_FILE = ".scorefnignore";

/** @param folder where ignore files are looked for */
export function leaveOutRules(folder: string, ignoreFiles: readonly IgnoreFile[] = []): LeaveOut {
  const own = read(folder, { name: OWN_IGNORE_FILE });
  const builtIn = BUILT_IN_RULES.map(({ why, patterns }) => [why, matcher(patterns)] as const);
  const others = ignoreFiles.map((file) => [`named in ${file.name}`, read(folder, file)] as const);
  return (path, isFolder, place) => {
    const asked = isFolder ? `${path}/` : path;
    const wish = own?.test(asked);
    if (wish?.ignored) return `named in ${OWN_IGNORE_FILE}`;
    for (const [why, rules] of [...builtIn, ...others]) {
      if (rules?.test(asked).ignored && !wish?.unignored) return why;
    }
    if (isFolder && ENVIRONMENT_MARKS.some((mark) => existsSync(join(place, mark)))) return "a Python environment";
    return undefined;
  };
}

const credentials = matcher(BUILT_IN_RULES.find(({ why }) => why === CREDENTIALS)!.patterns);

/** Whether a part of an absolute path has a name that credentials have. */
export function namesCredentials(place: string): boolean {
  const path = place.replaceAll("\\", "/").replace(/^(?:[a-z]:)?\/+/i, "");
  return path !== "" && credentials.ignores(path);
}

function read(folder: string, { name, anchored = false }: IgnoreFile): Ignore | undefined {
  const file = join(folder, name);
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, "utf8").split(/\r?\n/);
  return matcher(anchored ? lines.map(anchor) : lines);
}

function anchor(line: string): string {
  const [, not = "", pattern = ""] = /^(!?)\s*(?:\.?\/)?(.*?)\s*$/.exec(line) ?? [];
  return pattern === "" || line.startsWith("#") || pattern.startsWith("**/") ? `${not}${pattern}` : `${not}/${pattern}`;
}

function matcher(patterns: readonly string[]): Ignore {
  return ignore().add([...patterns]);
}
