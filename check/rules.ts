// What can be wrong, by name. Names stand in reports that others keep: they do not change.

export type RuleName =
  | "script-load"
  | "build-start"
  | "address-reach"
  | "swagger-document"
  | "no-request"
  | "answer-failed"
  | "answer-status"
  | "answer-header"
  | "answer-body"
  | "answer-schema"
  | "answer-json"
  | "model-version"
  | "model-metadata"
  | "declared-output"
  | "answer-time"
  | "repeated-answer"
  | "memory-growth"
  | "file-growth"
  | "init-budget"
  | "memory-budget"
  | "model-budget"
  | "command";

/** What each of them wants, in one sentence for whoever reads a report. */
export const RULES: Readonly<Record<RuleName, string>> = {
  "script-load": "The script loads, and init() ends without an error.",
  "build-start": "The build starts on this machine.",
  "address-reach": "The server at the address answers.",
  "swagger-document": "The swagger documents are valid.",
  "no-request": "There is a request to try run() with.",
  "answer-failed": "The request gets an answer.",
  "answer-status": "The answer has the expected status.",
  "answer-header": "The answer has the expected headers.",
  "answer-body": "The answer's body is the expected one.",
  "answer-schema": "The answer's body is as the JSON Schema of the check says.",
  "answer-json": "The answer's body is JSON that every reader takes.",
  "model-version": "Each version of each model can be served.",
  "model-metadata": "What the server tells of a model is whole, and as the model's configuration says.",
  "declared-output": "The answer's body is as the script declares its output.",
  "answer-time": "The answer comes within its time.",
  "repeated-answer": "The same request gets the same status each time.",
  "memory-growth": "Memory does not grow with each request.",
  "file-growth": "The number of open files does not grow with each request.",
  "init-budget": "The start takes no longer than it may.",
  "memory-budget": "The script takes no more memory than it may.",
  "model-budget": "The model is no larger than it may be.",
  command: "The command that was started with the server ends with code 0.",
};
