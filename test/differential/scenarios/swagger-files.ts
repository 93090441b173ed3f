import { get, type Scenario } from "../scenario.ts";

const all = ["2", "3", "3.1"].map((version) => get(`/swagger.json?version=${version}`));

const documents: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "one for each version": {
    "swagger2.json": '{"b":1.0,"é":[1,2e5]}',
    "swagger3.json": '"3"',
    "swagger3.1.json": "NaN",
  },
  "the short name first": { "swagger.json": "[1]", "swagger2.json": "{" },
  "empty ones": { "swagger.json": "{}", "swagger2.json": "[2]", "swagger3.json": '""', "swagger3.1.json": "-0.0" },
  "placeholders are left alone": { "swagger.json": '{"title": "$SERVICE_NAME$"}' },
};

const broken: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "not JSON": { "swagger.json": "{" },
  "no content": { "swagger3.json": "" },
  "a directory": { "swagger3.1.json/inside": "" },
};

/** SW-7, SW-8: swagger documents of the user's own. */
export const swaggerFiles: readonly Scenario[] = [
  ...Object.entries(documents).map(([what, files]) => ({
    name: `SW-7 ${what}`,
    scripts: ["echo.py"],
    files,
    env: { SERVICE_NAME: "named" },
    requests: all,
  })),
  ...Object.entries(broken).map(([what, files]) => ({ name: `SW-8 ${what}`, scripts: ["echo.py"], files })),
];
