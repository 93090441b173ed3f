import { createRuntime } from "../../src/host.ts";
import type { CreateRuntime } from "./service.ts";

/** The runtime of a script in a worker process: every Python script's. */
export const workers: CreateRuntime = (config, log, events) =>
  createRuntime(config, log, events, { restart: "by-requests" });
