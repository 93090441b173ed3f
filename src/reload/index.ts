// A service that is put together anew when its files change, in the shape of one that is not.
import { combineEvents, type Events } from "../core/events.ts";
import type { Log, Logger } from "../core/log.ts";
import type { ScoreRuntime } from "../core/types.ts";
import type { Scorer } from "../routes/scorer.ts";
import { mergedLoad } from "./merged-load.ts";
import { createReloadLog } from "./reload-log.ts";
import { ReloadingService, type ReloadOptions } from "./reloading-service.ts";
import { SelfWritten } from "./self-written.ts";
import type { Made } from "./version.ts";
import { Watching } from "./watching.ts";

export type { Made } from "./version.ts";

export interface ReloadSettings extends Omit<ReloadOptions, "onLoading" | "events"> {
  /** Who listens besides the log. */
  readonly subscribers: readonly Events[];
}

export interface Reloading {
  readonly log: Log;
  readonly scorer: Scorer;
  readonly runtime: ScoreRuntime;
}

/** @param first what is started first */
export function createReloading(first: Made, { subscribers, ...options }: ReloadSettings): Reloading {
  const log = currentLog(() => service.current.log);
  const selfWritten = new SelfWritten((path) => {
    log.server.warning(
      `${path} is written each time the script is loaded: it counts as an edit no longer. Write it into another folder.`,
    );
  });
  const watching = new Watching({
    onChange(paths) {
      const { model } = service.current.config;
      // Nothing here writes one of the engine's models: one that is copied slowly changes as often.
      const counted =
        model?.kind === "onnx" || model?.kind === "triton" ? paths : selfWritten.counted(paths, service.isComingUp);
      if (counted.length > 0) service.reload(counted);
    },
    onWarning: (message) => log.server.warning(message),
  });
  const service = new ReloadingService(first, {
    ...options,
    events: combineEvents([createReloadLog(log.server), ...subscribers]),
    onLoading: (loads) => watching.follow(loads),
  });
  return { log, scorer: currentScorer(service), runtime: currentRuntime(service, watching) };
}

function currentScorer(service: ReloadingService): Scorer {
  return {
    handle: (request) => service.handle(request),
    refuse: (request, error) => service.current.scorer.refuse(request, error),
    failed: (request, error) => service.current.scorer.failed(request, error),
    takesBody: (request) => service.current.scorer.takesBody(request),
    refusal(request, bodyBytes) {
      const { current, hall } = service;
      if (hall === undefined) return current.scorer.refusal(request, bodyBytes);
      return current.scorer.takesBody(request) ? hall.refusal(bodyBytes) : undefined;
    },
    flush: () => service.current.scorer.flush(),
  };
}

/** Starts once, and does not fail: the next edit may mend what is wrong. */
function currentRuntime(service: ReloadingService, watching: Watching): ScoreRuntime {
  const current = (): ScoreRuntime => service.current.runtime;
  return {
    start: () => service.start().then(() => current().start()),
    run: (call) => current().run(call),
    async close(graceMs) {
      watching.close();
      await service.close(graceMs);
    },
    get state() {
      return service.isClosing ? "stopping" : current().state;
    },
    get facts() {
      return current().facts;
    },
    get initialised() {
      return current().initialised;
    },
    get failure() {
      return current().failure;
    },
    get load() {
      return mergedLoad(
        service.versions.map(({ made }) => made.runtime.load),
        service.hall,
      );
    },
    reload: () => service.members,
  };
}

/** The log of the version that serves. @param of asked for each record */
function currentLog(of: () => Log): Log {
  const logger = (name: "server" | "script" | "swagger" | "print" | "trace" | "access"): Logger => ({
    debug: (...record) => of()[name].debug(...record),
    info: (...record) => of()[name].info(...record),
    warning: (...record) => of()[name].warning(...record),
    error: (...record) => of()[name].error(...record),
    critical: (...record) => of()[name].critical(...record),
  });
  return {
    server: logger("server"),
    script: logger("script"),
    swagger: logger("swagger"),
    print: logger("print"),
    trace: logger("trace"),
    access: logger("access"),
    line: (text) => of().line(text),
    get file() {
      return of().file;
    },
    get format() {
      return of().format;
    },
    get fields() {
      return of().fields;
    },
  };
}
