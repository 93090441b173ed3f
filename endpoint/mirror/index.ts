export { type GateLimits, gate, type MaxDifferences, readMaxDifferences, type Verdict } from "./gate.ts";
export { createMirror, type MirrorSettings, type ReportingMirror } from "./mirror.ts";
export { MIRROR_DEFAULTS, type MirrorOptions } from "./options.ts";
export { renderJson, renderTable } from "./render.ts";
export { renderJunit } from "./render-junit.ts";
