// The description of the script: fetched, made fit for this page, and shown by swagger-ui.
import { exampleOf } from "../../swagger/example.ts";
import { inlineReferences } from "../../swagger/references.ts";
import { byId, element, showProblem } from "./elements.js";
import { describeFailure, readFailure } from "./failures.js";
import { ask, base, extraHeaders, fileUrl, VERSIONS } from "./server.js";

/** @typedef {Record<string, any>} Description an OpenAPI or Swagger document */

/** Most of a text that is no description is not looked at. */
const MAX_SHOWN = 2_000;

/** Why there is no description. */
class NoDescription extends Error {
  /** @param {string} message @param {import("./failures.js").Failure | string} [failure] */
  constructor(message, failure) {
    super(message);
    this.failure = failure;
  }
}

/** @param {(example: string, title: string) => void} onChange */
export function createDescription(onChange) {
  const place = byId("description", HTMLElement);
  const problem = byId("document-problem", HTMLElement);
  const loading = byId("loading", HTMLElement);
  let shown = "";
  /** @type {any} */
  let ui;
  /** Aborted when the description is asked for again: a browser keeps a few connections, and while a version loads none answers. */
  let asking = new AbortController();

  /** Fetches the description anew, and shows it where it has changed. */
  async function refresh() {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    try {
      const text = await fetchText(signal);
      if (signal.aborted) return;
      if (text !== shown || !problem.hidden) await show(text);
      showProblem(problem, []);
      place.hidden = false;
    } catch (error) {
      if (signal.aborted) return;
      const { message, failure } = /** @type {NoDescription} */ (error);
      showProblem(problem, describeFailure(`There is no description to show: ${message}`, failure));
      place.hidden = true;
    }
    loading.hidden = true;
  }

  /** @param {string} text */
  async function show(text) {
    const description = fitting(parse(text));
    const example = exampleText(description);
    onChange(example, String(description.info?.title ?? ""));
    shown = text;
    if (ui === undefined) ui = await createUi(description);
    else update(ui, description, example);
  }

  return { refresh };
}

/** The first version there is. @param {AbortSignal} signal */
async function fetchText(signal) {
  let last;
  for (const version of VERSIONS) {
    const url = new URL("swagger.json", base);
    url.searchParams.set("version", version);
    let response;
    let text;
    try {
      response = await ask(url, signal);
      text = await response.text();
    } catch {
      throw new NoDescription("the server does not answer");
    }
    if (response.ok) return text;
    last = { status: response.status, text };
    if (response.status !== 404) break;
  }
  const { message, error } = readFailure(last?.text ?? "");
  throw new NoDescription(message ?? `the server answers ${last?.status}`, error);
}

/** @param {string} text @returns {Description} */
function parse(text) {
  const start = text.slice(0, MAX_SHOWN);
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new NoDescription(`swagger.json is not JSON (${/** @type {Error} */ (error).message}). It is:`, start);
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isObject && ("swagger" in value || "openapi" in value) && typeof (value.paths ?? {}) === "object") return value;
  throw new NoDescription("swagger.json is no OpenAPI document: it has no member openapi or swagger. It is:", start);
}

/**
 * Requests go to the server that the page comes from, wherever the document says that it is: paths without the prefix that a
 * gateway would take away, below the address that the browser has used.
 *
 * @param {Description} description
 * @returns {Description}
 */
function fitting({ servers: _s, host: _h, basePath: _b, schemes: _c, ...rest }) {
  const prefix =
    Object.keys(rest.paths ?? {})
      .find((path) => path.endsWith("/score"))
      ?.slice(0, -"/score".length) ?? "";
  const paths = Object.fromEntries(
    Object.entries(rest.paths ?? {}).map(([path, item]) => [withoutPrefix(path, prefix), item]),
  );
  const root = base.pathname.replace(/\/$/, "");
  if ("openapi" in rest) return { ...rest, paths, servers: [{ url: base.origin + root }] };
  return { ...rest, paths, host: base.host, basePath: root || "/", schemes: [base.protocol.slice(0, -1)] };
}

/** @param {string} path @param {string} prefix */
function withoutPrefix(path, prefix) {
  return prefix !== "" && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
}

/** A request that the script takes, as its author gives one, or made of what is declared. @param {Description} description */
function exampleText(description) {
  const { parameters = [], requestBody } = description.paths?.["/score"]?.post ?? {};
  const { definitions, components } = description;
  const media = requestBody?.content?.["application/json"] ?? {};
  const schema = media.schema ?? parameters.find(isBody)?.schema ?? {};
  const [named] = Object.values(media.examples ?? {});
  const example =
    media.example ?? named?.value ?? exampleOf(inlineReferences({ ...schema, ...{ definitions, components } }));
  return JSON.stringify(example === "" ? {} : example, null, 2);
}

/** @param {{ in?: unknown }} parameter */
function isBody(parameter) {
  return parameter?.in === "body";
}

/** @param {any} ui @param {Description} description @param {string} example */
function update({ specActions, oas3Selectors, oas3Actions }, description, example) {
  const operation = ["/score", "post"];
  // A form that has been opened would keep the example of the description before.
  const isExample = oas3Selectors.requestBodyValue(...operation) && !oas3Selectors.hasUserEditedBody(...operation);
  specActions.updateSpec(JSON.stringify(description));
  if (isExample) oas3Actions.setRequestBodyValue({ value: example, pathMethod: operation });
}

/** @param {Description} spec */
async function createUi(spec) {
  document.head.append(element("link", { rel: "stylesheet", href: fileUrl("swagger-ui.css") }));
  const script = element("script", { src: fileUrl("swagger-ui.js") });
  await new Promise((resolve, reject) => {
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new NoDescription("the server does not send the page's own files")));
    document.head.append(script);
  });
  return /** @type {any} */ (globalThis).SwaggerUIBundle({
    spec,
    dom_id: "#description",
    tryItOutEnabled: true,
    validatorUrl: null,
    /** @param {{ headers: Record<string, string> }} request */
    requestInterceptor(request) {
      request.headers = { ...extraHeaders(), ...request.headers };
      return request;
    },
  });
}
