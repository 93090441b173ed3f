import { describeConformance } from "../../conformance.ts";
import { describeModelConformance } from "../../conformance-models.ts";
import { describeGenerated } from "./generated.ts";
import { describeHardCases } from "./hard-cases.ts";
import { appDriver, handlerDriver } from "./host.ts";
import { describeTraces } from "./traces.ts";

// What this host changes: header names are lower-case; of a request's target and method only what the web's Request knows
// arrives, tidied; a path that no function has is answered by the host; a streamed answer that fails midway ends without
// telling so; every answer has x-ms-invocation-id.
const carries = { streams: true, cutsOff: false, anyTarget: false, unknownPaths: false, exactNames: false };

describeConformance("Azure Functions, streaming, TypeScript", {
  language: "typescript",
  createDriver: appDriver("streaming"),
  ...carries,
});
describeConformance("Azure Functions, streaming, Python", {
  language: "python",
  createDriver: handlerDriver("streaming"),
  ...carries,
});
describeHardCases("streaming");
describeTraces("streaming");
describeGenerated("Azure Functions, streaming, TypeScript", {
  language: "typescript",
  createDriver: appDriver("streaming"),
  library: true,
});
describeGenerated("Azure Functions, streaming, Python", {
  language: "python",
  createDriver: handlerDriver("streaming"),
  library: true,
});
describeModelConformance("Azure Functions, streaming", { createDriver: appDriver("streaming"), anyTarget: false });
