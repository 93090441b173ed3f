// A project's name is that of a Python or npm package and of an endpoint in Azure, which is the strictest.

/** Azure: 3 to 32 letters, digits and hyphens, a letter first and no hyphen last. We write small letters, as npm does. */
const NAME = /^[a-z][a-z0-9-]{1,30}[a-z0-9]$/;
const MIN_LENGTH = 3;
const MAX_LENGTH = 32;

export const NAME_RULE: string = `${MIN_LENGTH} to ${MAX_LENGTH} small letters, digits and hyphens, the first one a letter`;

/** Packages that a project's package.json names: npm does not install a package into itself. */
const DEPENDENCIES = ["scorefn", "onnxruntime-node", "typescript"];

export function isProjectName(name: string): boolean {
  return NAME.test(name) && !DEPENDENCIES.includes(name);
}

/** The nearest name that will do. @param folder its name */
export function nameFor(folder: string): string {
  const words = hyphenated(folder.normalize("NFKD").replace(/\p{M}/gu, ""));
  const named = /^[a-z]/.test(words) ? words : hyphenated(`model-${words}`);
  const name = named.slice(0, MAX_LENGTH).replace(/-+$/, "");
  return isProjectName(name) ? name : `${name}-model`;
}

function hyphenated(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
}
