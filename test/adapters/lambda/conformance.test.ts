import { describeConformance } from "../../conformance.ts";
import { describeModelConformance } from "../../conformance-models.ts";
import { bufferedDriver, streamDriver } from "./driver.ts";

// What the front doors themselves change, besides what `Host` says:
// - a REST API and a load balancer hand the query over taken apart: its order and its odd escapes are gone;
// - a load balancer without multi-value headers keeps the last of repeated headers and query values;
// - a load balancer takes less than a megabyte in either direction;
// - a buffered answer arrives in one piece, and one that fails midway is a 500.
const raw = { streams: false, anyTarget: true, exactNames: true };
const parsed = { streams: false, anyTarget: false, exactNames: true, isFurtherDoor: true };

describeConformance("Lambda, HTTP API, TypeScript", {
  language: "typescript",
  createDriver: bufferedDriver("http", "typescript"),
  ...raw,
});
describeConformance("Lambda, HTTP API with a stage, TypeScript", {
  language: "typescript",
  createDriver: bufferedDriver("http-stage", "typescript"),
  ...raw,
  isFurtherDoor: true,
});
describeConformance("Lambda, Function URL, Python", {
  language: "python",
  createDriver: bufferedDriver("url", "python"),
  ...raw,
});
describeConformance("Lambda, REST API, TypeScript", {
  language: "typescript",
  createDriver: bufferedDriver("rest", "typescript"),
  ...parsed,
});
describeConformance("Lambda, load balancer with multi-value headers, TypeScript", {
  language: "typescript",
  createDriver: bufferedDriver("alb-multi", "typescript"),
  ...parsed,
  megabytes: false,
});
describeConformance("Lambda, load balancer, TypeScript", {
  language: "typescript",
  createDriver: bufferedDriver("alb", "typescript"),
  ...parsed,
  megabytes: false,
  repeats: false,
});
describeConformance("Lambda, streaming, TypeScript", {
  language: "typescript",
  createDriver: streamDriver("url", "typescript"),
  ...raw,
  streams: true,
});
describeConformance("Lambda, streaming, Python", {
  language: "python",
  createDriver: streamDriver("url", "python"),
  ...raw,
  streams: true,
});

for (const door of ["http", "http-stage", "url", "rest", "alb-multi", "alb"] as const) {
  describeModelConformance(`Lambda, ${door}`, {
    createDriver: bufferedDriver(door, "typescript"),
    anyTarget: door !== "rest" && !door.startsWith("alb"),
  });
}
describeModelConformance("Lambda, streaming", { createDriver: streamDriver("url", "typescript"), anyTarget: true });
