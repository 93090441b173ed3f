// npm run bench [-- local | lambda | azure | sound | telemetry | endpoint | first-answer | models [--smoke]]
const SUITES = {
  local: async () => (await import("./local.mjs")).benchLocal(),
  lambda: async () => (await import("./lambda.mjs")).benchLambda(),
  sound: async () => (await import("./sound.mjs")).benchSound(),
  telemetry: async () => (await import("./telemetry.mjs")).benchTelemetry(),
  endpoint: async () => (await import("./endpoint.mjs")).benchEndpoint(),
  "first-answer": async () => (await import("./first-answer.mjs")).benchFirstAnswer(),
  models: async () => (await import("./models.mjs")).benchModels(),
  azure: async () => (await import("./azure.mjs")).benchAzure(),
};

const name = process.argv[2] ?? "local";
const suite = SUITES[name];
if (suite === undefined) {
  console.error(`bench: there is no suite ${name}; choose one of ${Object.keys(SUITES).join(", ")}`);
  process.exit(1);
}
await suite();
