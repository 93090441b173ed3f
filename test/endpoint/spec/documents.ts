// Random documents that are right, and ways to spoil them.
import fc from "fast-check";

const text = fc.stringMatching(/^[A-Za-z][A-Za-z0-9 _.:/-]{0,20}$/).filter((found) => !/holder/i.test(found));
const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{2,12}(-[a-z0-9]{1,6})?$/);
const count = fc.integer({ min: 1, max: 40 });
const own = fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fc.oneof(text, fc.integer(), fc.boolean()), {
  maxKeys: 3,
});
const partial = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { requiredKeys: [] });
const probe = partial({
  initial_delay: count,
  period: count,
  timeout: count,
  success_threshold: count,
  failure_threshold: count,
});
const route = fc.record({ port: fc.integer({ min: 1, max: 65535 }), path: fc.constantFrom("/", "/score", "/v1/x") });

/** Paths begin at the folder of the fixtures. */
export const deployments: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    name,
    endpoint_name: name,
    description: text,
    tags: own,
    properties: own,
    type: fc.constantFrom("managed", "Managed"),
    model: fc.oneof(
      fc.constantFrom("azureml:prices:1", "azureml:prices@latest", "azureml://registries/r/models/m/versions/2"),
      fc.record(
        {
          path: fc.constantFrom("assets/house-prices/model", "assets/house-prices/model/prices.pkl", "."),
          name,
          version: fc.oneof(count, text),
          type: fc.constantFrom("custom_model", "mlflow_model", "triton_model"),
          tags: own,
        },
        { requiredKeys: ["path"] },
      ),
    ),
    code_configuration: fc.record({
      code: fc.constantFrom("assets/house-prices/script", "./assets/house-prices/script/"),
      scoring_script: fc.constant("score.py"),
    }),
    environment: fc.oneof(
      fc.constantFrom("azureml:env:1", "azureml://registries/r/environments/e/labels/latest"),
      fc.record(
        {
          image: text,
          conda_file: fc.oneof(fc.constant("assets/conda/prices.yml"), fc.constant({ dependencies: ["numpy"] })),
          inference_config: fc.record({ liveness_route: route, readiness_route: route, scoring_route: route }),
        },
        { requiredKeys: ["image"] },
      ),
    ),
    environment_variables: fc.dictionary(
      fc.stringMatching(/^[A-Z_]{1,8}$/),
      fc.oneof(text, fc.integer(), fc.boolean()),
    ),
    instance_type: text,
    instance_count: fc.oneof(count, count.map(String)),
    app_insights_enabled: fc.constantFrom(true, false, "yes", "no", "1"),
    scale_settings: fc.oneof(
      fc.constant({ type: "default" }),
      partial({ polling_interval: count, target_utilization_percentage: count, max_instances: count }).map((rest) => ({
        ...rest,
        type: "target_utilization",
      })),
    ),
    request_settings: partial({
      request_timeout_ms: fc.integer({ min: 1, max: 300_000 }),
      max_concurrent_requests_per_instance: count,
      max_queue_wait_ms: count,
    }),
    liveness_probe: probe,
    readiness_probe: probe,
    data_collector: fc.record(
      {
        collections: fc.dictionary(
          fc.constantFrom("request", "inputs"),
          fc.record({ enabled: fc.constantFrom("True", "false", true) }),
        ),
        sampling_rate: fc.double({ min: 0, max: 1, noNaN: true }),
        rolling_rate: fc.constantFrom("hour", "Day"),
      },
      { requiredKeys: ["collections"] },
    ),
    egress_public_network_access: fc.constantFrom("enabled", "Disabled"),
  },
  { requiredKeys: ["name", "endpoint_name", "code_configuration"] },
);

const shares = fc.constantFrom({}, { blue: 100 }, { Blue: 90, green: "10" }, { blue: 0, green: 100 });

export const endpoints: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    name,
    description: text,
    tags: own,
    properties: own,
    auth_mode: fc.constantFrom("key", "Key", "aml_token", "AMLToken", "aad_token"),
    location: text,
    identity: fc.constantFrom(
      { type: "system_assigned" },
      { type: "UserAssigned", user_assigned_identities: [{ client_id: "a" }] },
    ),
    traffic: shares,
    mirror_traffic: fc.constantFrom({}, { red: 50 }, { red: 0 }),
    public_network_access: fc.constantFrom("enabled", "DISABLED"),
  },
  { requiredKeys: ["name", "auth_mode"] },
);

/** What may stand in the place of anything. */
const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    1e308,
    10.5,
    "",
    "x",
    "{{X}}",
    "<X>",
    [],
    {},
    [[]],
    { a: null },
    "azureml:",
    "../..",
    "on",
  ),
  fc.json({ maxDepth: 2 }).map((json) => JSON.parse(json) as unknown),
  fc.string({ unit: "binary", maxLength: 8 }),
);

/** A document with one thing in it replaced, dropped, or added. */
export function spoiled(documents: fc.Arbitrary<Record<string, unknown>>): fc.Arbitrary<unknown> {
  const keys = fc.oneof(
    fc.constantFrom("name", "traffic", "__proto__", "constructor", "$schema", "endpointName", ""),
    fc.string({ maxLength: 12 }),
  );
  return fc
    .tuple(documents, fc.nat(), fc.constantFrom("replace", "drop", "add"), keys, junk)
    .map(([document, place, how, key, value]) => {
      const copy = structuredClone(document);
      const maps = mapsOf(copy);
      const map = maps[place % maps.length]!;
      const old = Object.keys(map)[place % Math.max(1, Object.keys(map).length)] ?? key;
      if (how === "drop") delete map[old];
      else
        Object.defineProperty(map, how === "add" ? key : old, {
          value,
          enumerable: true,
          configurable: true,
          writable: true,
        });
      return copy;
    });
}

function mapsOf(value: unknown): Record<string, unknown>[] {
  if (typeof value !== "object" || value === null) return [];
  const below = Object.values(value).flatMap(mapsOf);
  return Array.isArray(value) ? below : [value as Record<string, unknown>, ...below];
}
