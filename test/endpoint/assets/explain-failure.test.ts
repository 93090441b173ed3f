// Why packages could not be installed, from what programs have said word by word.
import fc from "fast-check";
import { expect, test } from "vitest";
import { explainFailure } from "../../../endpoint/assets/explain-failure.ts";

const PIP_NONE = `Looking in links: /opt/wheels
Collecting toolz
  Downloading toolz-1.1.0-py3-none-any.whl (58 kB)
ERROR: Could not find a version that satisfies the requirement six==99 (from versions: 0.9.0, 0.9.1, 0.9.2)
ERROR: No matching distribution found for six==99`;
const PIP_BUILD = `Collecting six
Collecting scikit-learn==0.22
  Downloading scikit-learn-0.22.tar.gz (6.9 MB)
  Getting requirements to build wheel: started
  error: subprocess-exited-with-error

  × Getting requirements to build wheel did not run successfully.
  │ exit code: 1
      ModuleNotFoundError: No module named 'pkg_resources'
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
error: subprocess-exited-with-error`;
const PIP_DISK = `Collecting six
ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device
`;
const UV_NONE = `Using Python 3.11.7 environment at: /tmp/v
error: No solution found when resolving dependencies
  cause: Because there is no version of six==99 and you require six==99, we can conclude that your requirements are unsatisfiable.`;
const UV_BUILD = `Resolved 6 packages in 1.20s
   Building scikit-learn==0.22
error: Failed to build \`scikit-learn==0.22\`
  cause: The build backend returned an error
         ModuleNotFoundError: No module named 'pkg_resources'

hint: This error likely indicates that \`scikit-learn@0.22\` depends on \`pkg_resources\``;
const VENV = `The virtual environment was not created successfully because ensurepip is not available.  On Debian/Ubuntu
systems, you need to install the python3-venv package using the following command.

    apt install python3.11-venv

Failing command: /tmp/v/bin/python3`;
const MICROMAMBA = `error    libmamba Could not solve for environment specs
    The following package could not be found: └─ numpy 99**  does not exist
critical libmamba Could not solve for environment specs`;

test.each([
  ["pip", PIP_NONE, ["toolz", "six==99"], '"six==99" cannot be installed: No matching distribution found for six==99'],
  [
    "pip",
    PIP_BUILD,
    ["six", "scikit_learn==0.22"],
    `"scikit_learn==0.22" cannot be installed: ModuleNotFoundError: No module named 'pkg_resources'`,
  ],
  ["pip", PIP_DISK, ["x"], "Could not install packages due to an OSError: [Errno 28] No space left on device"],
  [
    "uv",
    UV_NONE,
    ["six==99"],
    '"six==99" cannot be installed: Because there is no version of six==99 and you require six==99',
  ],
  ["uv", UV_BUILD, ["scikit-learn==0.22", "six"], '"scikit-learn==0.22" cannot be installed: ModuleNotFoundError'],
  ["micromamba", MICROMAMBA, ["numpy=99"], "critical libmamba Could not solve for environment specs"],
  ["python", VENV, ["six"], "ensurepip is not available."],
  ["uv", "", ["six"], "uv says nothing"],
  [
    "uv",
    "error: for azure-core: no",
    ["azure", "azure-core[x]>1"],
    '"azure-core[x]>1" cannot be installed: for azure-core: no',
  ],
  ["uv", "error: for azure-core: no", ["azure"], "for azure-core: no"],
])("%s %#", (program, said, packages, reason) => {
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  expect(explainFailure(lines, packages, [program])).toContain(reason);
});

test("whatever is said and asked for, the reason is a line", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.string()), (lines, packages) => {
      expect(explainFailure(lines, packages, ["uv"]).length).toBeGreaterThan(0);
    }),
  );
});
