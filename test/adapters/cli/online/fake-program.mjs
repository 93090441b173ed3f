// `scorefn online-endpoint` and `scorefn online-deployment` over fake parts: what the command starts in the background is this
// program again.
import { main } from "../../../../dist/adapters/cli/online/main.js";
import { ScoreError } from "../../../../dist/src/host.js";
import { createFakeParts } from "../../../endpoint/control/fake-parts.mjs";

const [noun, ...args] = process.argv.slice(2);
const code = await main(/** @type {"online-endpoint"} */ (noun), args, createFakeParts(ScoreError));
await new Promise((resolve) => process.stdout.write("", resolve));
process.exit(code);
