// The AWS SAM template of a function, its alias and what checks a new version before it gets requests.
import { type Document, isScalar, isSeq, parseDocument } from "yaml";
import { DEFAULT_PYTHON, nodeImage, pythonImage, readTemplate } from "../templates/index.ts";

export interface TemplateOptions {
  /** Undefined: the function is a container image. */
  readonly runtime: string | undefined;
  /** `file.export`. */
  readonly handler: string;
  readonly architecture: "x86_64" | "arm64";
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly door: "url" | "http-api";
  readonly streams: boolean;
  /** Who may call a Function URL. */
  readonly auth: "AWS_IAM" | "NONE";
  /** Major version of Node in an image. Default: 24. */
  readonly node?: number | undefined;
  /** Version of Python in an image, as in `3.11`. Default: 3.11. */
  readonly pythonVersion?: string | undefined;
}

const RESOURCES = "Resources";
const PROPERTIES = [RESOURCES, "ScoreFunction", "Properties"];

/** The file has all that a function can have; what this one has not is taken out. */
export function renderTemplate(options: TemplateOptions): string {
  const template = parseDocument(readTemplate("aws-lambda/template.yaml"));
  template.setIn(["Parameters", "MemorySize", "Default"], options.memoryMb);
  template.setIn(["Parameters", "Timeout", "Default"], options.timeoutSeconds);
  for (const name of ["ScoreFunction", "CheckFunction"]) {
    template.setIn([RESOURCES, name, "Properties", "Architectures", 0], options.architecture);
  }
  setCode(template, options);
  setEntrance(template, options);
  // A long line stays one, as it is in the file.
  return template.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function setCode(template: Document, { runtime, handler, node = 24, pythonVersion = DEFAULT_PYTHON }: TemplateOptions) {
  const metadata = [RESOURCES, "ScoreFunction", "Metadata"];
  if (runtime === undefined) {
    for (const name of ["CodeUri", "Handler", "Runtime"]) template.deleteIn([...PROPERTIES, name]);
    template.setIn([...PROPERTIES, "PackageType"], "Image");
    template.setIn([...metadata, "DockerBuildArgs", "PYTHON_IMAGE"], pythonImage(pythonVersion));
    template.setIn([...metadata, "DockerBuildArgs", "NODE_IMAGE"], nodeImage(node));
  } else {
    template.deleteIn(metadata);
    template.setIn([...PROPERTIES, "Handler"], handler);
    template.setIn([...PROPERTIES, "Runtime"], runtime);
  }
}

/** Alarms that look at one kind of entrance only. */
const URL_ALARMS = ["UrlFaults", "UrlFaultsOfNewVersion"];
const API_ALARMS = ["ApiFaults", "ErrorsOfNewVersion"];

function setEntrance(template: Document, { door, streams, auth }: TemplateOptions) {
  const isUrl = door === "url";
  removeAlarms(template, isUrl ? API_ALARMS : URL_ALARMS);
  template.deleteIn([...PROPERTIES, isUrl ? "Events" : "FunctionUrlConfig"]);
  template.deleteIn(["Outputs", isUrl ? "ApiUrl" : "Url"]);
  if (!isUrl) return;
  template.setIn([...PROPERTIES, "FunctionUrlConfig", "AuthType"], auth);
  template.setIn([...PROPERTIES, "FunctionUrlConfig", "InvokeMode"], streams ? "RESPONSE_STREAM" : "BUFFERED");
}

function removeAlarms(template: Document, names: readonly string[]) {
  for (const name of names) template.deleteIn([RESOURCES, name]);
  const alarms = template.getIn([...PROPERTIES, "DeploymentPreference", "Alarms"]);
  if (isSeq(alarms))
    alarms.items = alarms.items.filter((item) => !isScalar(item) || !names.includes(String(item.value)));
}
