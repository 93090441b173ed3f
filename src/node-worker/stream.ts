import type { BodyStream } from "../core/types.ts";
import type { Task } from "./task.ts";

/** Sends the pieces of a streamed answer, no faster than the client takes them (docs/worker-protocol.md, §6). However it
 *  ends, the script's iterator is closed, so that its `finally` runs.
 *  @throws the task's reason when it is interrupted, and what the script throws */
export async function sendStream(task: Task, stream: BodyStream, send: (chunk: Uint8Array) => void): Promise<void> {
  for await (const chunk of stream) {
    if (task.reason !== undefined) throw task.reason;
    if (chunk.length === 0) continue;
    send(chunk);
    task.credit -= chunk.length;
    while (task.credit <= 0 && task.reason === undefined) await moreCredit(task);
    if (task.reason !== undefined) throw task.reason;
  }
}

function moreCredit(task: Task): Promise<void> {
  return new Promise((resolve) => {
    task.onCredit = resolve;
  });
}
