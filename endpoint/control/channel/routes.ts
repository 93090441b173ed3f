// What a process of an endpoint can be asked for.
import type { CreateRequest, Listener, UpdateRequest } from "../deployments.ts";
import type { Endpoint, EndpointUpdate } from "../endpoint.ts";
import { notFound } from "../errors.ts";
import type { Hello } from "./messages.ts";
import type { Control, ControlRequest } from "./server.ts";

/** What concerns the process and not the endpoint. */
export interface ProcessControl {
  hello(): Hello;
  /** Ends the endpoint and removes what is kept of it. @param accepted called once it cannot be refused any more */
  remove(accepted: () => void): Promise<void>;
  /** @returns the address of the control page */
  page(): Promise<string>;
}

type Handle = (endpoint: Endpoint, request: ControlRequest, name: string, host: ProcessControl) => Promise<unknown>;

interface NoWait {
  readonly noWait?: boolean;
}

const ROUTES: Readonly<Record<string, Handle>> = {
  "GET /hello": async (_endpoint, _request, _name, host) => host.hello(),
  "GET /settled": async (endpoint, _request, _name, host) => {
    await endpoint.resumed();
    return host.hello();
  },
  "GET /settled/*": async (endpoint, _request, name, host) => {
    await Promise.all([endpoint.resumed(), endpoint.settled(name)]);
    return host.hello();
  },
  "GET /endpoint": async (endpoint) => endpoint.show(),
  "PATCH /endpoint": async (endpoint, { body, progress }) => endpoint.update(body as EndpointUpdate, progress),
  "DELETE /endpoint": async (_endpoint, request, _name, host) =>
    host.remove(() => {
      if ((request.body as NoWait | undefined)?.noWait) request.answer(null);
    }),
  "GET /document": async (endpoint) => endpoint.state.document,
  "GET /documents/*": async (endpoint, _request, name) => endpoint.deploymentDocument(name),
  "GET /credentials": async (endpoint) => endpoint.credentials(),
  "POST /keys": async (endpoint, { body }) => endpoint.regenerateKeys((body as { readonly type: string }).type),
  "GET /report": async (endpoint) => endpoint.report(),
  "POST /page": async (_endpoint, _request, _name, host) => host.page(),
  "GET /deployments": async (endpoint) => endpoint.listDeployments(),
  "POST /deployments": async (endpoint, request) =>
    endpoint.createDeployment(request.body as CreateRequest, listenerOf(request)),
  "GET /deployments/*": async (endpoint, _request, name) => endpoint.showDeployment(name),
  "PATCH /deployments/*": async (endpoint, request, name) =>
    endpoint.updateDeployment({ ...(request.body as UpdateRequest), name }, listenerOf(request)),
  "DELETE /deployments/*": async (endpoint, request, name) => endpoint.deleteDeployment(name, listenerOf(request)),
  "GET /logs/*": async (endpoint, { query }, name) => endpoint.logs(name, Number(query.get("lines"))),
  "GET /log/*": async (endpoint, { query, send, left, progress }, name) => {
    for await (const { lines, leftOut } of endpoint.followLog(name, Number(query.get("lines")), left)) {
      await send({ lines });
      if (leftOut > 0) progress(`warning: ${leftOut} lines are left out here: they came faster than they were read`);
    }
  },
};

export function controlOf(endpoint: Endpoint, host: ProcessControl): Control {
  return async (request) => {
    const [, first = "", name] = request.path.split("/");
    const handle = ROUTES[`${request.method} /${first}${name === undefined ? "" : "/*"}`];
    if (handle === undefined) throw notFound(`the endpoint's process knows no ${request.method} ${request.path}`);
    return handle(endpoint, request, decodeURIComponent(name ?? ""), host);
  };
}

function listenerOf({ progress, answer, body }: ControlRequest): Listener {
  const noWait = (body as NoWait | undefined)?.noWait === true;
  return { progress, accepted: () => noWait && answer(null) };
}
