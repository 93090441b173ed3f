// The process of an endpoint over fake parts.
import { run } from "../../../../dist/adapters/cli/online/run.js";
import { ScoreError } from "../../../../dist/src/host.js";
import { createFakeParts } from "../../../endpoint/control/fake-parts.mjs";

process.exit(await run(process.argv[2] ?? "", { parts: createFakeParts(ScoreError), env: process.env }));
