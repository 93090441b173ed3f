// Stands in for the other folders of endpoint/, in a few lines each: what the control is tested with. A file in JavaScript, because
// the command's process is started from dist, without a compiler.
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parse } from "yaml";

/** @type {import("./fake-parts.d.mts").createFakeParts} */
export function createFakeParts(ScoreError, hooks = {}) {
  const refuse = (/** @type {string} */ message) => new ScoreError("ERR_CONFIG", message);
  const files = createFiles(refuse);
  const running = {
    files,
    credentials: createCredentials(refuse),
    checkAssets: async () => {},
    resolveAssets: async (spec, options, work) => {
      const { progress, secrets } = work;
      progress(`${spec.name}: looking for its model`);
      await hooks.assets?.(spec, options, work);
      // The name of a file: it is there when the assets are.
      const { WAIT } = spec.environmentVariables;
      while (WAIT !== undefined && !existsSync(WAIT)) await delay(10);
      if (spec.environmentVariables.FAIL === "assets") throw refuse(`the model of ${spec.name} is missing`);
      const { SECRET } = spec.environmentVariables;
      if (SECRET !== undefined && { ...process.env, ...secrets }[SECRET] === undefined) throw refuse(`set ${SECRET}`);
      const upstream = options.upstreams[spec.name] ?? null;
      return { modelDir: null, python: null, environmentVariables: {}, upstream, warnings: [] };
    },
    createDeployment: (spec, _assets, { onLine }) => new FakeDeployment(spec, hooks, refuse, onLine),
    createFront: (options) => createFront(options),
  };
  return {
    hooks,
    files: async () => files,
    report: async () => ({
      render: (report, form, max) => {
        const share = report.mirror?.shareDifferent ?? 0;
        const failure = max !== null && share > Number(max) ? `${share} of the answers differ, more than ${max}` : null;
        return { text: `${form} of ${report.endpoint}\n`, failure };
      },
    }),
    flags: async () => ({
      pairs: (flag, texts) => {
        const pairs = texts.map((text) => text.split(/=(.*)/s));
        if (pairs.some(([, value]) => !value)) throw refuse(`--${flag} ${texts.join(" ")} has no "="`);
        return Object.fromEntries(pairs.map(([name, value]) => [name, value]));
      },
    }),
    running: async () => running,
    now: running,
  };
}

function createFiles(refuse) {
  const read = (path, { name, endpointName, set = [] }) => {
    let document = {};
    if (path !== null) {
      let text;
      try {
        text = readFileSync(path, "utf8");
      } catch (error) {
        throw refuse(`${path} cannot be read: ${error.code}`);
      }
      document = parse(text);
      if (typeof document !== "object" || document === null || Array.isArray(document))
        throw refuse(`${path} holds no mapping`);
      const code = document.code_configuration?.code;
      if (code && !isAbsolute(code)) document.code_configuration.code = join(dirname(path), code);
    }
    if (name !== undefined) document.name = name;
    if (endpointName !== undefined) document.endpoint_name = endpointName;
    for (const expression of set) document = files.setValue(document, expression, false);
    return { document, warnings: document.tags?.warn ? [String(document.tags.warn)] : [] };
  };
  const files = {
    readEndpointFile: read,
    readDeploymentFile: read,
    openUpdateFile: (kind, path, overrides) => {
      const { document, warnings } = read(path, overrides);
      const { name, endpointName } =
        kind === "endpoint" ? files.endpointSpec(document) : files.deploymentSpec(document);
      const mergedWith = (old) => {
        files.checkDocument(kind, files.mergeDocuments(old, document));
        return { document, warnings };
      };
      return { name, endpointName, mergedWith };
    },
    endpointDocument: (overrides) => read(null, overrides),
    checkDocument: (_kind, document) => {
      if ("instance_count" in document && "scale_settings" in document)
        throw refuse("instance_count and scale_settings exclude each other");
      return { document, warnings: [] };
    },
    kindOfFile: (path) => {
      const { document } = read(path, {});
      return "endpoint_name" in document || "instance_count" in document || "code_configuration" in document
        ? "deployment"
        : "endpoint";
    },
    endpointSpec: (document) => {
      if (typeof document.name !== "string") throw refuse("the endpoint has no name");
      const total = Object.values(document.traffic ?? {}).reduce((sum, value) => sum + value, 0);
      if (total !== 0 && total !== 100) throw refuse(`traffic adds up to ${total}, not to 0 or 100`);
      return {
        name: document.name.toLowerCase(),
        kind: document.compute === undefined ? "managed" : "kubernetes",
        authMode: document.auth_mode ?? "key",
        traffic: nonZero(document.traffic),
        mirrorTraffic: nonZero(document.mirror_traffic),
      };
    },
    deploymentSpec: (document) => {
      if (typeof document.name !== "string") throw refuse("the deployment has no name");
      if (typeof document.endpoint_name !== "string") throw refuse("the deployment has no endpoint_name");
      const probe = { initialDelay: 10, period: 10, timeout: 2, successThreshold: 1, failureThreshold: 30 };
      const { code_configuration: code } = document;
      return {
        name: document.name.toLowerCase(),
        endpointName: document.endpoint_name,
        kind: document.type === "kubernetes" ? "kubernetes" : "managed",
        model: null,
        code: code === undefined ? null : { folder: code.code, scoringScript: code.scoring_script },
        environment: null,
        environmentVariables: document.environment_variables ?? {},
        instanceCount: document.instance_count ?? 1,
        appInsightsEnabled: false,
        requestTimeoutMs: 5000,
        maxConcurrentRequestsPerInstance: 1,
        maxQueueWaitMs: 500,
        livenessProbe: probe,
        readinessProbe: probe,
        scale: { type: "default" },
      };
    },
    mergeDocuments: (old, update) => ({
      ...old,
      ...update,
      ...("environment_variables" in old && {
        environment_variables: { ...old.environment_variables, ...update.environment_variables },
      }),
    }),
    setValue: (document, expression, forceString) => {
      const copy = structuredClone(document);
      const [path = "", text] = expression.split(/=(.*)/s);
      if (text === undefined) throw refuse(`--set ${expression} has no "="`);
      const keys = path.split(".");
      let at = copy;
      for (const key of keys.slice(0, -1)) at = at[key] ??= {};
      at[keys.at(-1)] = !forceString && /^\d+$/.test(text) ? Number(text) : text;
      return copy;
    },
    addValue: (document, [place, ...words]) => ({ ...document, [place]: [...(document[place] ?? []), ...words] }),
    removeValue: (document, [place]) => Object.fromEntries(Object.entries(document).filter(([key]) => key !== place)),
    parseShares: (text, _known, flag) => {
      const pairs = text.split(/\s+/).filter((word) => word !== "");
      const shares = pairs.map((pair) => /^([^=]+)=(\d+)$/.exec(pair) ?? undefined);
      if (shares.length === 0 || shares.includes(undefined))
        throw refuse(`${flag} ${text} is not like "blue=90 green=10"`);
      return Object.fromEntries(shares.map((match) => [match[1].toLowerCase(), Number(match[2])]));
    },
    checkTraffic: (traffic, mirror, deployments) => {
      const total = Object.values(traffic).reduce((sum, value) => sum + value, 0);
      if (total !== 0 && total !== 100) throw refuse(`traffic adds up to ${total}, not to 0 or 100`);
      for (const name of [...Object.keys(traffic), ...Object.keys(mirror)]) {
        if (!deployments.includes(name)) throw refuse(`traffic names ${name}, and there is no such deployment`);
      }
      if (Object.keys(mirror).length > 1) throw refuse("traffic is mirrored to one deployment at most");
      for (const [name, percent] of Object.entries(mirror)) {
        if (percent > 50) throw refuse(`at most 50 % can be mirrored, not ${percent}`);
        if (traffic[name]) throw refuse(`${name} has live traffic, and cannot be mirrored to`);
      }
    },
  };
  return files;
}

function nonZero(shares = {}) {
  return Object.fromEntries(
    Object.entries(shares).flatMap(([name, percent]) => (percent === 0 ? [] : [[name.toLowerCase(), percent]])),
  );
}

function createCredentials(refuse) {
  const key = () => randomUUID().replaceAll("-", "");
  return {
    create: () => ({ primaryKey: key(), secondaryKey: key() }),
    open: (kept) => {
      if (typeof kept.primaryKey !== "string" || typeof kept.secondaryKey !== "string") throw refuse("it has no keys");
      return { accepts: (_mode, secret) => secret === kept.primaryKey || secret === kept.secondaryKey };
    },
    regenerate: (kept, mode, endpoint, type) => {
      if (mode !== "key") throw refuse(`Endpoint '${endpoint}' does not use keys for authentication.`);
      if (!["primary", "secondary"].includes(type)) throw refuse("Key type must be 'primary' or 'secondary'.");
      return { ...kept, [`${type}Key`]: key() };
    },
    issue: (kept, mode) =>
      mode === "key"
        ? { ...kept }
        : { accessToken: kept.primaryKey, expiryTimeUtc: 1, refreshAfterTimeUtc: 1, tokenType: "Bearer" },
  };
}

class FakeDeployment {
  constructor(spec, hooks, refuse, onLine) {
    this.write = onLine;
    this.name = spec.name;
    this.spec = spec;
    this.hooks = hooks;
    this.refuse = refuse;
    this.state = "Creating";
    this.isReady = false;
    this.whyNotReady = "it starts";
    this.isClosed = false;
    this.capacity = 2;
    this.inFlight = 0;
    this.waiting = 0;
    this.instances = spec.instanceCount;
    this.requestTimeoutMs = spec.requestTimeoutMs;
    this.workers = { starting: 0, idle: 1, busy: 0, dead: 0 };
    hooks.created?.(this);
  }
  async start() {
    await this.hooks.start?.(this.spec);
    if (this.spec.environmentVariables.FAIL === "start") {
      await this.close(0);
      throw this.refuse("init() raised");
    }
    this.isReady = true;
    this.whyNotReady = null;
    this.state = "Succeeded";
  }
  async update(spec) {
    await this.hooks.update?.(spec);
    if (spec.environmentVariables.FAIL === "update") throw this.refuse("init() raised");
    const former = this.spec;
    this.spec = spec;
    this.instances = spec.instanceCount;
    return { ended: Promise.resolve(this.hooks.ended?.(former)) };
  }
  async close(graceMs) {
    this.isClosed = true;
    this.isReady = false;
    this.whyNotReady = "it is closed";
    await this.hooks.close?.(this, graceMs);
  }
  logs(lines) {
    return [`${this.name} says hello`, "a second line"].slice(-lines);
  }
  async handle(request) {
    const body = new TextDecoder().decode(request.body);
    this.write(`asked: ${body}`);
    if (body.includes("boom")) return answer(500, "boom");
    return answer(
      200,
      JSON.stringify({ deployment: this.name, version: this.spec.environmentVariables.VERSION ?? null }),
    );
  }
}

function answer(status, body, headers = []) {
  return { status, headers: [["content-type", "application/json"], ...headers], body };
}

function createFront({ routing, credentials }) {
  const counts = new Map();
  const scorer = {
    handle: async (request) => {
      const { authMode, targets, traffic } = routing();
      const [, secret = ""] = (request.headers.authorization ?? "").split(/^Bearer /);
      if (!credentials.accepts(authMode, secret)) return answer(401, "key_auth_access_denied");
      const pinned = request.headers["azureml-model-deployment"];
      const name = pinned ?? Object.keys(traffic)[0];
      const target = name === undefined ? undefined : targets.get(name);
      if (target === undefined) return answer(404, "No valid deployments to route to.");
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const { status, body } = await target.handle(request);
      if (status === 200) return answer(200, body, [["azureml-model-deployment", name]]);
      const headers = [
        ["azureml-model-deployment", name],
        ["ms-azureml-model-error-statuscode", String(status)],
        ["ms-azureml-model-error-reason", "model_error"],
        ["x-ms-run-function-failed", "True"],
      ];
      return answer(424, body, headers);
    },
    refuse: (_request, error) => answer(error.status, error.message),
    failed: () => answer(500, "failed"),
    takesBody: () => true,
    refusal: () => undefined,
    flush: () => {},
  };
  const latencyMs = { count: 0, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, max: 0 };
  return {
    scorer,
    since: new Date().toISOString(),
    figures: (name) => ({
      requests: counts.get(name) ?? 0,
      rate: 0,
      errorRate: 0,
      statuses: {},
      modelStatuses: {},
      latencyMs,
    }),
    forget: (name) => void counts.delete(name),
    resetMirror: () => {},
    mirror: () => null,
    createPage: ({ report }) => ({
      path: "/?token=abc",
      scorer: { ...scorer, handle: async () => answer(200, JSON.stringify(report())) },
    }),
    close: () => {},
  };
}
