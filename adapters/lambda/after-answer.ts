// Work behind an answer: Lambda freezes the environment once the answer has left and every extension has asked for its next
// event, so an extension that asks later has that time. The client does not wait for it; the next request does.
import { setImmediate as turn } from "node:timers/promises";
import { askForNext, registerExtension } from "./extension.ts";

/** What Lambda tells an extension. */
interface ExtensionEvent {
  readonly eventType?: string;
  readonly requestId?: string;
  /** Milliseconds since 1970. */
  readonly deadlineMs?: number;
}

export interface AfterAnswer {
  /** False: Lambda does not wait for it any more. */
  readonly works: boolean;
  /** The answer of that invocation is about to leave. */
  answered(id: string): void;
}

/** Has `work` done after each answer.
 *  @param work never rejects   @returns undefined: it cannot be had here */
export async function afterAnswers(api: string, work: () => Promise<void>): Promise<AfterAnswer | undefined> {
  const extension = await registerExtension(api, ["INVOKE"]).catch(() => undefined);
  if (extension === undefined) return undefined;
  const answers = new Answers();
  let works = true;

  async function follow(extensionId: string): Promise<void> {
    for (;;) {
      const { eventType, requestId, deadlineMs = 0 } = await nextEvent(api, extensionId);
      if (eventType !== "INVOKE" || requestId === undefined) continue;
      await answers.wait(requestId, deadlineMs - Date.now());
      // The answer first: to put together what is sent takes time, too.
      await turn();
      await work();
    }
  }

  follow(extension).catch(() => {
    works = false;
  });
  return {
    get works() {
      return works;
    },
    answered(id) {
      if (works) answers.add(id);
    },
  };
}

function nextEvent(api: string, id: string): Promise<ExtensionEvent> {
  return new Promise((resolve, reject) => {
    askForNext(api, id, async (response) => {
      try {
        let text = "";
        for await (const chunk of response.setEncoding("utf8")) text += chunk;
        if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
        resolve(JSON.parse(text) as ExtensionEvent);
      } catch (error) {
        reject(error as Error);
      }
    }).once("error", reject);
  });
}

/** Whether Lambda has told of an invocation before or after its answer was made, they come together here. There is one at a
 *  time. */
class Answers {
  #made: string | undefined;
  #awaited: { readonly id: string; readonly arrive: () => void } | undefined;

  add(id: string): void {
    if (this.#awaited?.id === id) this.#awaited.arrive();
    else this.#made = id;
  }

  /** @param limitMs what is not answered by then was ended by Lambda */
  wait(id: string, limitMs: number): Promise<void> {
    const isMade = this.#made === id;
    this.#made = undefined;
    if (isMade) return Promise.resolve();
    return new Promise((resolve) => {
      const arrive = (): void => {
        clearTimeout(timer);
        this.#awaited = undefined;
        resolve();
      };
      const timer = setTimeout(arrive, Math.max(0, limitMs)).unref();
      this.#awaited = { id, arrive };
    });
  }
}
