import type { ScriptFacts } from "./types.ts";

/** What a runtime announces of its script's start. */
export interface ScriptEvents {
  /** Before the script is loaded. */
  starting(): void;
  /** When init() is done. @param pid the process that serves it */
  ready(pid: number, facts: ScriptFacts): void;
}
