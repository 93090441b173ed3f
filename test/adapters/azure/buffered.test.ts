import { describeConformance } from "../../conformance.ts";
import { describeModelConformance } from "../../conformance-models.ts";
import { describeGenerated } from "./generated.ts";
import { describeHardCases } from "./hard-cases.ts";
import { appDriver, handlerDriver } from "./host.ts";
import { describeTraces } from "./traces.ts";

// What this host changes: header names are lower-case; of a request's target and method only what the web's Request knows
// arrives, tidied; a path that no function has is answered by the host; a streamed answer is collected, and is an error
// when it fails midway; a body sent without its length does not arrive.
const carries = { streams: false, cutsOff: false, anyTarget: false, unknownPaths: false, exactNames: false };

describeConformance("Azure Functions, buffered, TypeScript", {
  language: "typescript",
  createDriver: appDriver("buffered"),
  ...carries,
});
describeConformance("Azure Functions, buffered, Python", {
  language: "python",
  createDriver: handlerDriver("buffered"),
  ...carries,
});
describeHardCases("buffered");
describeTraces("buffered");
describeGenerated("Azure Functions, buffered, TypeScript", {
  language: "typescript",
  createDriver: appDriver("buffered"),
  library: true,
});
describeGenerated("Azure Functions, buffered, Python", {
  language: "python",
  createDriver: handlerDriver("buffered"),
  library: true,
});
describeModelConformance("Azure Functions, buffered", { createDriver: appDriver("buffered"), anyTarget: false });
