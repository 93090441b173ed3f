// `scorefn online-endpoint` and `scorefn online-deployment` over fake parts.
import { fileURLToPath } from "node:url";
import { main } from "../../../../dist/adapters/cli/online/main.js";
import { ScoreError } from "../../../../dist/src/host.js";
import { createFakeParts } from "../../../endpoint/control/fake-parts.mjs";

const PROCESS = fileURLToPath(new URL("fake-process.mjs", import.meta.url));
// As the real program does: the reader of its output may leave.
process.stdout.on("error", () => {});
const [noun, ...args] = process.argv.slice(2);
const code = await main(/** @type {"online-endpoint"} */ (noun), args, createFakeParts(ScoreError), PROCESS);
await new Promise((resolve) => process.stdout.write("", resolve));
process.exit(code);
