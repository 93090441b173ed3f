// Work behind an answer, with the local Runtime API and a client that answers as each test wants.
import { expect, onTestFinished, test } from "vitest";
import { type AfterAnswer, afterAnswers } from "../../../adapters/lambda/after-answer.ts";
import { type RuntimeApi, startRuntimeApi } from "../../../packaging/aws-lambda/runtime-api.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { until } from "../../setup/service.ts";

async function start(work: (remainingMs: number) => Promise<void> = async () => {}) {
  const api = await startRuntimeApi();
  onTestFinished(() => api.close().catch(() => {}));
  const done: number[] = [];
  const after = await afterAnswers(api.address, async (remainingMs) => {
    done.push(remainingMs);
    await work(remainingMs);
  });
  return { api, after: after!, done };
}

/** Takes the next event. @returns its id, and how to answer it */
async function next(api: RuntimeApi): Promise<{ id: string; answer: () => Promise<unknown> }> {
  const base = `http://${api.address}/2018-06-01/runtime/invocation`;
  const response = await fetch(`${base}/next`);
  const id = response.headers.get("lambda-runtime-aws-request-id")!;
  return { id, answer: () => fetch(`${base}/${id}/response`, { method: "POST", body: "1" }) };
}

/** Lets the runtime ask once more, so that there is somebody for the next event. */
function ask(api: RuntimeApi): void {
  void next(api).catch(() => {});
}

async function invoke(api: RuntimeApi, during: (id: string) => void, timeoutMs = DEADLINE_MS): Promise<void> {
  const asked = next(api);
  const invoked = api.invoke({}, timeoutMs);
  const { id, answer } = await asked;
  during(id);
  await answer();
  await invoked;
  ask(api);
}

test("is done once for each answer, before the next event", async () => {
  const { api, after, done } = await start();
  for (const count of [1, 2, 3]) {
    const asked = next(api);
    const invoked = api.invoke({}, DEADLINE_MS);
    const { id, answer } = await asked;
    after.begun(id);
    await answer();
    await invoked;
    expect(done).toHaveLength(count - 1);
    expect(after.answered(id)).toBe(true);
    await until(() => done.length === count, "the work is done");
  }
});

test("comes together with an answer that was there before Lambda told of the invocation", async () => {
  const { api, after, done } = await start();
  // As quick as can be: in the turn in which the event comes.
  for (let round = 1; round <= 20; round++) {
    const asked = next(api);
    const invoked = api.invoke({}, DEADLINE_MS);
    const { id, answer } = await asked;
    after.begun(id);
    expect(after.answered(id)).toBe(true);
    await answer();
    await invoked;
  }
  ask(api);
  await api.idle();
  expect(done).toHaveLength(20);
});

test("is not waited for where something else has answered, and an answer that comes after all knows", async () => {
  const { api, after, done } = await start();
  let id = "";
  await invoke(api, (given) => {
    id = given;
  });
  await api.idle();
  expect(done).toEqual([]);
  after.begun(id);
  expect(after.answered(id)).toBe(false);
});

test("of an invocation that was begun is waited for as long as that one may take", async () => {
  const { api, after, done } = await start();
  // Its time is over before it is answered: the environment is about to end.
  await invoke(api, (id) => after.begun(id), 1_000);
  await api.idle();
  expect(done).toEqual([]);
});

test("gets no more time than the invocation has left", async () => {
  const { api, after, done } = await start();
  await invoke(
    api,
    (id) => {
      after.begun(id);
      after.answered(id);
    },
    5_000,
  );
  await api.idle();
  expect(done[0]).toBeLessThan(5_000);
});

test("cannot be had once Lambda is gone, nor where it takes no extension", async () => {
  const { api, after } = await start();
  await api.close();
  const has = (given: AfterAnswer): boolean => given.answered("any");
  await until(() => !has(after), "it is known that Lambda is gone");
  expect(await afterAnswers(api.address, async () => {})).toBeUndefined();
});
