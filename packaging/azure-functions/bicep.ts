import { readTemplate, replaceOnce } from "../templates/index.ts";
import type { BuildTemplate } from "./project-files.ts";

export interface InfrastructureOptions {
  readonly template: BuildTemplate;
  /** Of the app; azd takes it as that of the project. */
  readonly name: string;
  /** Memory of an instance in MB: 512, 2048 or 4096. */
  readonly memoryMb: number;
  /** Major version of Node. */
  readonly node: number;
}

const MB_PER_GB = 1_024;

/** For `azd` and `az deployment sub create`: a zip gets a Flex Consumption plan, an image a container app.
 *  @returns texts by their paths */
export function renderInfrastructure(options: InfrastructureOptions): Record<string, string> {
  const { template, name, memoryMb, node } = options;
  const folder = `azure-functions/${template === "code" ? "zip" : "image"}`;
  let main = readTemplate(`${folder}/main.bicep`);
  let parameters = readTemplate(`${folder}/main.parameters.json`);
  // A value stands in both files: `az` reads only the first, `azd` the second.
  const setDefault = (parameter: string, variable: string, from: string, to: string, quote = "") => {
    const declaration = (value: string) =>
      `param ${parameter} ${quote === "" ? "int" : "string"} = ${quote}${value}${quote}`;
    main = replaceOnce(main, declaration(from), declaration(to));
    parameters = replaceOnce(parameters, `\${${variable}=${from}}`, `\${${variable}=${to}}`);
  };
  if (template === "code") {
    setDefault("instanceMemoryMB", "SCOREFN_INSTANCE_MEMORY_MB", "2048", String(memoryMb));
    setDefault("nodeVersion", "SCOREFN_NODE_VERSION", "22", String(node), "'");
  } else {
    setDefault("memoryGB", "SCOREFN_MEMORY_GB", "2", String(Math.max(1, Math.round(memoryMb / MB_PER_GB))));
  }
  return {
    "azure.yaml": replaceOnce(readTemplate(`${folder}/azure.yaml`), "name: scorefn", `name: ${name}`),
    "infra/main.bicep": main,
    "infra/main.parameters.json": parameters,
    "infra/app.bicep": readTemplate(`${folder}/app.bicep`),
    "infra/model-access.bicep": readTemplate("azure-functions/model-access.bicep"),
  };
}
