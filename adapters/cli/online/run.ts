// The process of an endpoint that is kept: commands start it, and it outlives them.
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { describe, OperationError } from "../../../endpoint/control/errors.ts";
import { GRACE_MS } from "../../../endpoint/control/grace.ts";
import { openEndpoint, type RunningEndpoint } from "../../../endpoint/control/running.ts";
import { EVENTS_FD, type Event, type Order } from "./launch.ts";
import { listen } from "./listening.ts";
import type { OnlineHost } from "./program.ts";
import { folderOf } from "./reach.ts";
import { watchSignals } from "./signals.ts";

/** @returns the exit code */
export async function run(name: string, host: Pick<OnlineHost, "parts" | "env">): Promise<number> {
  const signals = watchSignals();
  const order = await readOrder();
  const events = createWriteStream("", { fd: EVENTS_FD });
  // The command may have been ended meanwhile; the endpoint goes on.
  events.on("error", () => {});
  const tell = (event: Event): void => void events.write(`${JSON.stringify(event)}\n`);
  const progress = (line: string): void => tell({ progress: line });
  let running: RunningEndpoint;
  try {
    const mode = order.kind === "create" ? order : { kind: order.kind, port: order.port, host: order.host };
    const parts = await host.parts.running();
    running = await openEndpoint({ folder: folderOf(name, host), parts, listen, progress, mode });
  } catch (error) {
    const refusal = error instanceof OperationError ? error.refusal : "failed";
    await new Promise<void>((resolve) =>
      events.end(`${JSON.stringify({ error: { refusal, message: describe(error) } })}\n`, resolve),
    );
    return 1;
  }
  const ready = running.endpoint.resume(progress).then(() => {
    events.end(`${JSON.stringify({ ready: true } satisfies Event)}\n`);
  });
  const isDeleted = await Promise.race([running.deleted.then(() => true), signals.first.then(() => false)]);
  if (!isDeleted) await Promise.race([running.close(GRACE_MS), signals.second]);
  await Promise.race([ready, signals.second]);
  return 0;
}

/** One line, as the command that starts this process writes it. */
async function readOrder(): Promise<Order> {
  for await (const line of createInterface({ input: process.stdin })) return JSON.parse(line) as Order;
  return { kind: "resume" };
}
