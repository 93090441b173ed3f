import type { Scenario } from "../scenario.ts";

const usageErrors: Readonly<Record<string, readonly string[]>> = {
  "port 0": ["--port", "0"],
  "port 65536": ["--port=65536"],
  "port in words": ["--port", "abc"],
  "port with a fraction": ["--port", "5.0"],
  "health port": ["--health_port", "0x10"],
  "worker count 0": ["--worker_count", "0"],
  "empty worker count": ["--worker_count", ""],
  "unknown flag": ["--bogus"],
  "stray word": ["serve"],
  "missing value": ["--entry_script"],
  "ambiguous prefix": ["--a", "x"],
};

const launches: Scenario[] = [
  { name: "CLI-6 CLI-1 help", args: ["--help"] },
  { name: "CLI-7 neither script nor config file", args: [] },
  { name: "CLI-7 empty script", args: ["--entry_script", ""], env: { AZUREML_ENTRY_SCRIPT: "echo.py" } },
  ...Object.entries(usageErrors).map(([what, args]) => ({ name: `CLI-5 ${what}`, args })),
];

/** CLI: what ends before there is a server. */
export const commandLine: readonly Scenario[] = launches.map((scenario) => ({ ...scenario, port: false }));
