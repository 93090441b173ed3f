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
  /** The function has begun that invocation. */
  begun(id: string): void;
  /** Its answer is about to leave. @returns false: nobody waits for it, so there is no time behind it */
  answered(id: string): boolean;
}

/** How long after Lambda has told of an invocation the function may take to begin it, in milliseconds. Whatever stands around
 *  the handler may have answered without it, and Lambda goes on waiting, at the user's cost, as long as the extension does. */
const BEGIN_MS = 200;

/** So much before the end of the invocation's time the work has to be over, in milliseconds: Lambda counts it as the
 *  function's, and ends the environment when it takes too long. */
const MARGIN_MS = 100;

/** Has `work` done after each answer.
 *  @param work gets the milliseconds that there are for it; never rejects   @returns undefined: it cannot be had here */
export async function afterAnswers(
  api: string,
  work: (remainingMs: number) => Promise<void>,
): Promise<AfterAnswer | undefined> {
  const extension = await registerExtension(api, ["INVOKE"]).catch(() => undefined);
  if (extension === undefined) return undefined;
  const answers = new Answers();

  async function follow(extensionId: string): Promise<void> {
    for (;;) {
      const { eventType, requestId, deadlineMs = 0 } = await nextEvent(api, extensionId);
      if (eventType !== "INVOKE" || requestId === undefined) continue;
      if (!(await answers.wait(requestId, deadlineMs - Date.now()))) continue;
      // The answer first: to put together what is sent takes time, too.
      await turn();
      await work(deadlineMs - Date.now() - MARGIN_MS);
    }
  }

  follow(extension).catch(() => answers.end());
  return answers;
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

/** Whether Lambda has told of an invocation before or after it was begun and answered, they come together here. There is one at
 *  a time. */
class Answers implements AfterAnswer {
  #isOver = false;
  #begun: string | undefined;
  #answered: string | undefined;
  #givenUp: string | undefined;
  #awaited: Awaited | undefined;

  begun(id: string): void {
    this.#begun = id;
    const awaited = this.#awaited;
    if (awaited?.id !== id) return;
    clearTimeout(awaited.timer);
    awaited.timer = setTimeout(awaited.giveUp, awaited.limitMs).unref();
  }

  answered(id: string): boolean {
    if (this.#isOver || this.#givenUp === id) return false;
    const awaited = this.#awaited;
    if (awaited?.id === id) awaited.arrive();
    else this.#answered = id;
    return true;
  }

  /** @param limitMs what is not answered by then was ended by Lambda   @returns false: it was not answered */
  wait(id: string, limitMs: number): Promise<boolean> {
    const isAnswered = this.#answered === id;
    this.#answered = undefined;
    // The same one may come again: Lambda repeats those that failed and that nobody waits for.
    this.#givenUp = undefined;
    if (isAnswered) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (isThere: boolean): void => {
        clearTimeout(awaited.timer);
        this.#awaited = undefined;
        this.#begun = undefined;
        resolve(isThere);
      };
      const giveUp = (): void => {
        this.#givenUp = id;
        end(false);
      };
      const firstMs = this.#begun === id ? limitMs : Math.min(BEGIN_MS, limitMs);
      const timer = setTimeout(giveUp, Math.max(0, firstMs)).unref();
      const awaited: Awaited = { id, limitMs: Math.max(0, limitMs), timer, arrive: () => end(true), giveUp };
      this.#awaited = awaited;
    });
  }

  /** Lambda tells of nothing any more. */
  end(): void {
    this.#isOver = true;
  }
}

/** An invocation that Lambda has told of. */
interface Awaited {
  readonly id: string;
  readonly limitMs: number;
  timer: NodeJS.Timeout;
  readonly arrive: () => void;
  readonly giveUp: () => void;
}
