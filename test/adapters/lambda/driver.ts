import { createHandler, type LambdaService, startService } from "../../../adapters/lambda/index.ts";
import { streamHandler } from "../../../adapters/lambda/stream.ts";
import { workers } from "../../../adapters/lambda/workers.ts";
import { type CreateRuntime, createRuntime } from "../../../src/host.ts";
import type { CreateDriver, WireRequest } from "../../conformance.ts";
import { DEADLINE_MS, type Language, SCRIPTS } from "../../setup/service.ts";
import { contextWith, type FrontDoor, fromResult, receiveStream, toEvent } from "./front-door.ts";

/** Milliseconds a request has where a test does not say. */
const TIME_MS = DEADLINE_MS;

export interface TestService extends LambdaService {
  logged(): string;
}

/** A score script of the tests as a function has it: Python in a worker, TypeScript in this process. */
export async function startScript(
  script: string,
  language: Language,
  env: Readonly<Record<string, string>> = {},
  runtimeOf?: CreateRuntime,
): Promise<TestService> {
  let text = "";
  const service = await startService(
    runtimeOf ??
      ((config, log, events) =>
        language === "python"
          ? // Workers write to the stdout of the tests.
            workers({ ...config, logLevel: "CRITICAL" }, log, events)
          : createRuntime({ ...config, scriptHost: "in-process" }, log, events)),
    {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        AML_APP_ROOT: SCRIPTS,
        AZUREML_ENTRY_SCRIPT: script,
        ...env,
      },
      write: (lines) => {
        text += lines;
      },
    },
  );
  return {
    ...service,
    logged() {
      service.flush();
      return text;
    },
  };
}

/** Drives the buffered entry through one kind of front door. */
export function bufferedDriver(door: FrontDoor, language: Language): CreateDriver {
  return async (script, env, runtimeOf) => {
    const service = await startScript(script, language, env, runtimeOf);
    const handler = createHandler(service);
    return {
      send: async (request) => {
        const response = fromResult(await handler(toEvent(door, request), contextWith(TIME_MS)));
        if (response.body.length > 0) request.onChunk?.(response.body);
        return response;
      },
      logged: service.logged,
      close: () => service.runtime.close(0),
    };
  };
}

/** Drives the streaming entry. */
export function streamDriver(door: FrontDoor, language: Language): CreateDriver {
  return async (script, env, runtimeOf) => {
    const service = await startScript(script, language, env, runtimeOf);
    return {
      send: (request: WireRequest) =>
        receiveStream(
          (stream, start) => streamHandler(service, start)(toEvent(door, request), stream, contextWith(TIME_MS)),
          request.onChunk,
        ),
      logged: service.logged,
      close: () => service.runtime.close(0),
    };
  };
}
