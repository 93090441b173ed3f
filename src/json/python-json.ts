// JSON as Python reads and writes it (contract appendix B).
export { readPythonJson } from "./reader.ts";
export { jsonMessage, renderPythonJson } from "./renderer.ts";
export { MAX_JSON_DEPTH, PyFloat, PythonJsonError, type PyValue } from "./values.ts";
