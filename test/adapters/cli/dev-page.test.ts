// Where the page is that `scorefn dev` opens.
import { writeFile } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import { runCommand } from "../../../adapters/cli/command.ts";
import { reservePort } from "../../../adapters/http/reserve-port.ts";
import { temporaryFolder } from "../../setup/service.ts";

test.each<[args: string[], opened: string[]]>([
  [[], ["http://127.0.0.1:7/docs"]],
  [["--docs", "/try/it"], ["http://127.0.0.1:7/try/it"]],
  [["--docs", "off"], []],
  [["--no_open"], []],
])("dev %j opens the page where it is", async (args, pages) => {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  await writeFile(folder.file("score.ts"), "");
  const opened: string[] = [];
  const problems: string[] = [];
  const code = await runCommand("scorefn", ["dev", folder.file("score.ts"), "--port", "7", ...args], {
    write() {},
    writeError: (text) => problems.push(text),
    async serve(_config, _reserved, reloads) {
      reloads?.onListening();
      return 0;
    },
    reservePort,
    runTarget: async () => 1,
    runTool: async () => 1,
    openPage: (url) => opened.push(url),
    env: {},
    cwd: folder.file(""),
  });
  expect([code, problems, opened]).toEqual([0, [], pages]);
});
