// The program of an endpoint's process. It loads nothing of the command line, for it stays.
import { PARTS } from "../../../endpoint/control/parts.ts";
import { processEnvironment } from "../../../src/host.ts";
import { run } from "./run.ts";

process.exit(await run(process.argv[2] ?? "", { parts: PARTS, env: processEnvironment }));
