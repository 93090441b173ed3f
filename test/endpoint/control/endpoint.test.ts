import { expect, test } from "vitest";
import type { AssetOptions } from "../../../endpoint/control/types.ts";
import { ASSETS, create, createLab, deployment, QUIET, STATE, update } from "./lab.ts";

const change = { document: null, changes: [], folder: "/" } as const;

test("what a file and the old document make together is checked, too", async () => {
  const lab = createLab();
  await create(lab, { ...deployment("blue"), instance_count: 2 });
  const scaled = { ...deployment("blue"), scale_settings: { type: "default" } };
  await expect(update(lab, "blue", scaled)).rejects.toThrow("exclude each other");
  expect(lab.disk.state.deployments.blue?.document).not.toHaveProperty("scale_settings");
});

test("any word may name a deployment", async () => {
  const lab = createLab();
  await create(lab, deployment("blue"), true);
  await create(lab, deployment("constructor"));
  expect(lab.endpoint.show().traffic).toEqual({ blue: 100, constructor: 0 });
  await lab.endpoint.deleteDeployment("constructor", QUIET);
  expect(lab.endpoint.listDeployments().map(({ name }) => name)).toEqual(["blue"]);
  await expect(lab.endpoint.deleteDeployment("blue", QUIET)).rejects.toThrow('update --traffic "blue=0"');
});

test("a deployment that comes up is kept, shown, and reached by its name", async () => {
  const lab = createLab();
  const shown = await create(lab, deployment("blue"));
  expect(shown).toMatchObject({
    name: "blue",
    endpoint_name: "one",
    provisioning_state: "Succeeded",
    type: "managed",
    instance_count: 1,
    app_insights_enabled: false,
    egress_public_network_access: "enabled",
    request_settings: { max_concurrent_requests_per_instance: 1, request_timeout_ms: 5000 },
    scale_settings: { type: "default" },
    liveness_probe: { failure_threshold: 30, initial_delay: 10, period: 10, success_threshold: 1, timeout: 2 },
    environment_variables: { AML_APP_ROOT: "/code", AZUREML_ENTRY_SCRIPT: "score.py", VERSION: "1" },
  });
  expect(lab.disk.state.deployments.blue?.document).toEqual(deployment("blue"));
  expect(lab.endpoint.routing.targets.get("blue")?.isReady).toBe(true);
  expect(lab.endpoint.show()).toEqual({
    auth_mode: "key",
    description: null,
    identity: null,
    kind: "Managed",
    location: "local",
    mirror_traffic: {},
    name: "one",
    openapi_uri: "http://127.0.0.1:5001/swagger.json",
    properties: {},
    provisioning_state: "Succeeded",
    public_network_access: "enabled",
    scoring_uri: "http://127.0.0.1:5001/score",
    tags: {},
    traffic: { blue: 0 },
  });
});

test("a deployment that is created with all traffic has it at once", async () => {
  const lab = createLab();
  await create(lab, deployment("blue"), true);
  await create(lab, deployment("green"), true);
  expect(lab.endpoint.routing.traffic).toEqual({ green: 100 });
  expect(lab.disk.state.document.traffic).toEqual({ green: 100 });
  expect(lab.endpoint.show().traffic).toEqual({ green: 100, blue: 0 });
});

test.each(["assets", "start"])(
  "a creation that fails at its %s leaves nothing, and says why to whoever asks later",
  async (fail) => {
    const lab = createLab();
    await expect(create(lab, deployment("blue", "1", fail), true)).rejects.toThrow(/blue/);
    expect(lab.disk.state).toEqual(STATE);
    expect(lab.endpoint.listDeployments()).toEqual([]);
    expect(lab.endpoint.routing.targets.size).toBe(0);
    expect(lab.made.every(({ isClosed }) => isClosed)).toBe(true);
    expect(() => lab.endpoint.showDeployment("blue")).toThrow(/no deployment blue; its creation failed: /);
    await create(lab, deployment("blue"));
    expect(lab.endpoint.showDeployment("blue").provisioning_state).toBe("Succeeded");
  },
);

test("a creation that cannot be written down leaves nothing", async () => {
  const lab = createLab();
  lab.disk.failNext = true;
  await expect(create(lab, deployment("blue"))).rejects.toThrow("the disk is full");
  expect(lab.made[0]?.isClosed).toBe(true);
  expect(lab.endpoint.listDeployments()).toEqual([]);
  await create(lab, deployment("blue"));
});

test("a name is taken once", async () => {
  const lab = createLab();
  await create(lab, deployment("blue"));
  await expect(create(lab, deployment("Blue"))).rejects.toThrow(/the deployment blue exists/);
});

test.each([
  ["another endpoint's", { ...deployment("blue"), endpoint_name: "two" }, /belongs to endpoint two, not one/],
  ["another kind", { ...deployment("blue"), type: "kubernetes" }, /both must be of one kind/],
])("a deployment of %s is refused", async (_what, document, message) => {
  const lab = createLab();
  await expect(async () => create(lab, document)).rejects.toThrow(message);
  expect(lab.made).toEqual([]);
});

test("an update keeps the target, and is written down", async () => {
  const lab = createLab();
  await create(lab, deployment("blue"), true);
  const target = lab.endpoint.routing.targets.get("blue");
  await update(lab, "blue", { environment_variables: { VERSION: "2" } });
  expect(lab.endpoint.routing.targets.get("blue")).toBe(target);
  expect(lab.made).toHaveLength(1);
  expect(lab.made[0]?.spec.environmentVariables.VERSION).toBe("2");
  expect(lab.disk.state.deployments.blue?.document.environment_variables).toEqual({ VERSION: "2" });
});

test.each(["assets", "update"])("an update that fails at its %s leaves the old version", async (fail) => {
  const lab = createLab();
  await create(lab, deployment("blue"), true);
  const before = lab.disk.state;
  const reason =
    fail === "update" ? /^the new version of blue does not come up, and the old one goes on: init/ : /blue/;
  await expect(update(lab, "blue", deployment("blue", "2", fail))).rejects.toThrow(reason);
  expect(lab.disk.state).toEqual(before);
  expect(lab.made[0]?.spec.environmentVariables.VERSION).toBe("1");
  expect(lab.endpoint.showDeployment("blue")).toMatchObject({ provisioning_state: "Succeeded" });
});

test("an update that cannot be written down goes back to the old version", async () => {
  const lab = createLab();
  await create(lab, deployment("blue"), true);
  lab.disk.failNext = true;
  await expect(update(lab, "blue", deployment("blue", "2"))).rejects.toThrow("the disk is full");
  expect(lab.made[0]?.spec.environmentVariables.VERSION).toBe("1");
  await update(lab, "blue", deployment("blue", "3"));
  expect(lab.made[0]?.spec.environmentVariables.VERSION).toBe("3");
});

test("a change of what workers do not see starts none, and a file always does", async () => {
  const updated: string[] = [];
  const lab = createLab(STATE, { update: ({ name }) => updated.push(name) });
  await create(lab, deployment("blue"));
  const words = ["tags.owner=me"];
  const changes = [{ kind: "set", words, forceString: false }] as const;
  await lab.endpoint.updateDeployment({ name: "blue", document: null, changes, folder: "/", assets: undefined }, QUIET);
  lab.disk.failNext = true;
  const full = { name: "blue", document: null, changes, folder: "/", assets: undefined };
  await expect(lab.endpoint.updateDeployment(full, QUIET)).rejects.toThrow("the disk is full");
  expect(updated).toEqual([]);
  expect(lab.disk.state.deployments.blue?.document.tags).toEqual({ owner: "me" });
  await update(lab, "blue", deployment("blue"));
  expect(updated).toEqual(["blue"]);
});

test("a deployment with live or mirrored traffic is not deleted", async () => {
  const lab = createLab();
  await create(lab, deployment("blue"), true);
  await create(lab, deployment("green"));
  await expect(lab.endpoint.deleteDeployment("blue", QUIET)).rejects.toThrow(/100 % of the traffic/);
  await lab.endpoint.update({ ...change, mirrorTraffic: { green: 10 } });
  await expect(lab.endpoint.deleteDeployment("green", QUIET)).rejects.toThrow(/mirrored to it/);
  expect(lab.endpoint.listDeployments()).toHaveLength(2);
  await lab.endpoint.update({ ...change, mirrorTraffic: { green: 0 } });
  await lab.endpoint.deleteDeployment("green", QUIET);
  expect(lab.forgotten).toEqual(["green"]);
  expect(lab.made[1]?.isClosed).toBe(true);
  expect(Object.keys(lab.disk.state.deployments)).toEqual(["blue"]);
});

test.each([
  ["a sum of 101", { traffic: { blue: 101 } }],
  ["a sum of 99", { traffic: { blue: 99 } }],
  ["an unknown deployment", { traffic: { red: 100 } }],
  ["two shadows", { mirrorTraffic: { green: 10, red: 10 } }],
  ["a mirror of 60", { mirrorTraffic: { green: 60 } }],
  ["a mirror of a live deployment", { mirrorTraffic: { blue: 10 } }],
])("%s changes nothing", async (_what, traffic) => {
  const lab = createLab();
  for (const name of ["blue", "green", "yellow"]) await create(lab, deployment(name), name === "blue");
  const { routing } = lab.endpoint;
  await expect(lab.endpoint.update({ ...change, ...traffic })).rejects.toThrow();
  expect(lab.endpoint.routing).toBe(routing);
  expect(lab.disk.state.document.traffic).toEqual({ blue: 100 });
});

test("traffic that cannot be written down stays as it was, and can be set again", async () => {
  const lab = createLab();
  for (const name of ["blue", "green"]) await create(lab, deployment(name), name === "blue");
  lab.disk.failNext = true;
  await expect(lab.endpoint.setTraffic({ green: 100 })).rejects.toThrow("the disk is full");
  expect(lab.endpoint.routing.traffic).toEqual({ blue: 100 });
  await lab.endpoint.setTraffic({ blue: 90, green: 10 });
  expect(lab.endpoint.routing.traffic).toEqual({ blue: 90, green: 10 });
  expect(lab.disk.state.document.traffic).toEqual({ blue: 90, green: 10 });
});

test("the name and the kind of an endpoint stay", async () => {
  const lab = createLab();
  const set = (word: string) => [{ kind: "set", words: [word], forceString: false }] as const;
  await expect(lab.endpoint.update({ document: null, changes: set("name=two"), folder: "/" })).rejects.toThrow(
    /name cannot be changed/,
  );
  await expect(lab.endpoint.update({ document: null, changes: set("compute=k"), folder: "/" })).rejects.toThrow(
    /its kind cannot be changed/,
  );
});

test("a new key is good at once, and the other one stays", async () => {
  const lab = createLab();
  const old = lab.endpoint.credentials();
  await lab.endpoint.regenerateKeys("primary");
  const now = lab.endpoint.credentials();
  expect(now.primaryKey).not.toBe(old.primaryKey);
  expect(now.secondaryKey).toBe(old.secondaryKey);
  expect(lab.disk.credentials).toEqual(now);
  lab.disk.failNext = true;
  await expect(lab.endpoint.regenerateKeys("secondary")).rejects.toThrow("the disk is full");
  expect(lab.endpoint.credentials()).toEqual(now);
});

test("an endpoint of tokens has no keys to make anew", async () => {
  const lab = createLab({ ...STATE, document: { name: "one", auth_mode: "aml_token" } });
  await expect(lab.endpoint.regenerateKeys("primary")).rejects.toThrow(
    "Endpoint 'one' does not use keys for authentication.",
  );
});

test("deployments come back, and one that does not come up stays as failed and can be repaired", async () => {
  const kept = (document: Record<string, unknown>) => ({ document, assets: ASSETS });
  const state = {
    ...STATE,
    document: { name: "one", traffic: { blue: 90, green: 10 } },
    deployments: { blue: kept(deployment("blue")), green: kept(deployment("green", "1", "start")) },
  };
  const lab = createLab(state);
  const said: string[] = [];
  const resumed = lab.endpoint.resume((line) => said.push(line));
  expect(lab.endpoint.routing.targets.get("blue")).toMatchObject({
    isReady: false,
    whyNotReady: "it is being started",
  });
  expect(lab.endpoint.showDeployment("blue").provisioning_state).toBe("Creating");
  await resumed;
  expect(lab.endpoint.routing.targets.get("blue")?.isReady).toBe(true);
  expect(lab.endpoint.routing.targets.get("green")).toMatchObject({
    isReady: false,
    whyNotReady: expect.stringMatching(/does not come up/),
  });
  expect(said.at(-1)).toMatch(/green does not come up/);
  expect(lab.endpoint.showDeployment("green")).toMatchObject({
    provisioning_state: "Failed",
    properties: { "scorefn.whyNotReady": expect.stringContaining("does not come up") },
  });
  expect(lab.endpoint.showDeployment("blue").properties).toEqual({});
  expect(lab.endpoint.report().deployments.map(({ state }) => state)).toEqual(["Succeeded", "Failed"]);
  expect(lab.endpoint.logs("green", 5)[0]).toMatch(/does not run/);
  expect(lab.disk.state).toBe(state);
  await update(lab, "green", { environment_variables: { FAIL: "never" } });
  expect(lab.endpoint.routing.targets.get("green")?.isReady).toBe(true);
});

test("an operation waits for the one before on its deployment, and for no other", async () => {
  const gates = new Map<string, () => void>();
  const lab = createLab(STATE, { start: ({ name }) => new Promise<void>((resolve) => void gates.set(name, resolve)) });
  const order: string[] = [];
  const blue = create(lab, deployment("blue")).then(() => order.push("create blue"));
  const changed = update(lab, "blue", { tags: { a: 1 } }).then(() => order.push("update blue"));
  const gone = lab.endpoint.deleteDeployment("blue", QUIET).then(() => order.push("delete blue"));
  const green = create(lab, deployment("green")).then(() => order.push("create green"));
  while (gates.size < 2) await new Promise(setImmediate);
  gates.get("green")!();
  await green;
  expect(lab.endpoint.showDeployment("blue").provisioning_state).toBe("Creating");
  gates.get("blue")!();
  await Promise.all([blue, changed, gone]);
  expect(order).toEqual(["create green", "create blue", "update blue", "delete blue"]);
});

test("the end of an endpoint gives up what is under way, and takes nothing more", async () => {
  const never = new Promise<void>(() => {});
  const lab = createLab(STATE, {
    start: ({ name }) => (name === "slow" ? never : undefined),
    assets: ({ name }) => (name === "stuck" ? never : undefined),
  });
  await create(lab, deployment("blue"), true);
  const pending = [create(lab, deployment("slow")), create(lab, deployment("stuck")), update(lab, "slow", {})];
  const outcomes = Promise.allSettled(pending);
  await new Promise(setImmediate);
  await lab.endpoint.close(5);
  expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(lab.made.every(({ isClosed }) => isClosed)).toBe(true);
  await expect(create(lab, deployment("late"))).rejects.toThrow(/being deleted or stopped/);
  await expect(lab.endpoint.setTraffic({})).rejects.toThrow(/being deleted or stopped/);
  expect(Object.keys(lab.disk.state.deployments)).toEqual(["blue"]);
});

test("what is said of all deployments goes for each, and each may say more", async () => {
  const found: AssetOptions[] = [];
  const all = { ...ASSETS, models: { a: "/all", b: "/all" }, makesEnvironments: false, secretsFile: "/secrets" };
  const state = { ...STATE, options: { ...STATE.options, assets: all } };
  const lab = createLab(state, { assets: (_spec, options) => found.push(options) });
  const own = { ...ASSETS, models: { b: "/own" } };
  await lab.endpoint.createDeployment({ document: deployment("blue"), assets: own, allTraffic: false }, QUIET);
  expect(found[0]).toEqual({ ...all, models: { a: "/all", b: "/own" } });
  expect(lab.disk.state.deployments.blue?.assets).toEqual(own);
  const more = { ...ASSETS, upstreams: { blue: "http://h:1" } };
  const change = { name: "blue", document: null, changes: [], folder: "/", assets: more };
  await lab.endpoint.updateDeployment(change, QUIET);
  expect(found[1]).toEqual({ ...all, models: { a: "/all", b: "/own" }, upstreams: { blue: "http://h:1" } });
  const again = createLab(lab.disk.state, { assets: (_spec, options) => found.push(options) });
  await again.endpoint.resume(() => {});
  expect(found[2]).toEqual(found[1]);
});

test("an update that can neither be written down nor taken back is told as it is", async () => {
  const lab = createLab();
  await create(lab, deployment("blue", "1", "update"), true);
  lab.disk.failNext = true;
  const updated = update(lab, "blue", deployment("blue", "2", "never"));
  await expect(updated).rejects.toThrow(
    /the disk is full; blue runs its new version all the same until the endpoint starts anew/,
  );
  expect(lab.made[0]?.spec.environmentVariables.VERSION).toBe("2");
  await update(lab, "blue", deployment("blue", "3", "never"));
  expect(lab.disk.state.deployments.blue?.document).toEqual(deployment("blue", "3", "never"));
});
