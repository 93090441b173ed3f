export { gate, readMaxDifferences, type Verdict } from "./gate.ts";
export { createMirror, type MirrorSettings, type ReportingMirror } from "./mirror.ts";
export { renderTable } from "./render.ts";
export { renderJunit } from "./render-junit.ts";
