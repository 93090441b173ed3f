import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addValue, mergeDocuments, removeValue, SpecError, setValue } from "../../../endpoint/spec/index.ts";

const DOCUMENT = {
  name: "blue",
  instance_count: 1,
  tags: { a: "1" },
  list: [{ x: 1 }, { x: 2 }],
  model: "azureml:m:1",
};

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    return (error as SpecError).problems[0]!.message;
  }
  throw new Error("it was taken");
}

describe("setValue", () => {
  test.each<[string, object]>([
    ["instance_count=2", { instance_count: 2 }],
    ["tags.b=text", { tags: { a: "1", b: "text" } }],
    ["tags.a=", { tags: { a: "" } }],
    ["tags.a=b=c", { tags: { a: "b=c" } }],
    ["tags.a=true", { tags: { a: true } }],
    ["tags.a=True", { tags: { a: true } }],
    ["tags.a=None", { tags: { a: null } }],
    ['traffic={"blue": 100}', { traffic: { blue: 100 } }],
    ["tags.a='1'", { tags: { a: "'1'" } }],
    ["list[1].x=3", { list: [{ x: 1 }, { x: 3 }] }],
    ["list[0]=[1, 2]", { list: [[1, 2], { x: 2 }] }],
    ["request_settings.request_timeout_ms=6000", { request_settings: { request_timeout_ms: 6000 } }],
    ["model=azureml:m:2", { model: "azureml:m:2" }],
  ])("takes %s", (expression, changes) => {
    const before = structuredClone(DOCUMENT);
    expect(setValue(DOCUMENT, expression)).toEqual({ ...DOCUMENT, ...changes });
    expect(DOCUMENT).toEqual(before);
  });

  test("leaves a text as it is when it is asked to", () => {
    expect(setValue(DOCUMENT, "tags.a=2", true)).toEqual({ ...DOCUMENT, tags: { a: "2" } });
  });

  test("makes keys of a map's own, whatever they are called", () => {
    const changed = setValue({}, "__proto__.polluted=1");
    expect(Object.keys(changed)).toEqual(["__proto__"]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test.each([
    ["name", "the equals sign is missing"],
    ["=1", '"" does not name a place in the document'],
    ["a..b=1", '"a..b" does not name a place in the document'],
    ["[0]=1", '"[0]" does not name a place in the document'],
    ["a[x]=1", '"a[x]" does not name a place in the document'],
    ["list[2].x=1", "list has no entry 2"],
    ["tags[0]=1", "tags has no entry 0"],
    ["list.x=1", "list is a list"],
    ["model.path=x", 'model is the text "azureml:m:1", which has no keys'],
  ])("refuses %s", (expression, message) => {
    expect(refusal(() => setValue(DOCUMENT, expression))).toBe(message);
  });

  test("sets what can be read back, whatever it is", () => {
    const key = fc.stringMatching(/^[a-z_]{1,8}$/);
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 4 }), fc.json(), (keys, json) => {
        const changed = setValue({ other: 1 }, `x.${keys.join(".")}=${json}`);
        const found = ["x", ...keys].reduce<unknown>(
          (value, step) => (value as Record<string, unknown>)[step],
          changed,
        );
        expect(found).toEqual(JSON.parse(json));
        expect(changed.other).toBe(1);
      }),
    );
  });
});

describe("addValue", () => {
  test("adds texts, JSON and maps to a list, and makes the list", () => {
    expect(addValue(DOCUMENT, ["list", "x=3", "y=z", "4", "word"]).list).toEqual([
      ...DOCUMENT.list,
      { x: 3, y: "z" },
      4,
      "word",
    ]);
    expect(addValue(DOCUMENT, ["new.list", '{"a": "b=c"}'])).toEqual({ ...DOCUMENT, new: { list: [{ a: "b=c" }] } });
    expect(addValue(DOCUMENT, ["list", "4"], true).list).toEqual([...DOCUMENT.list, "4"]);
  });
  test("refuses what is not a list", () => {
    expect(refusal(() => addValue(DOCUMENT, ["tags", "a=1"]))).toBe("tags is not a list");
    expect(refusal(() => addValue(DOCUMENT, ["list"]))).toBe("a list and a value to add are required");
  });
});

describe("removeValue", () => {
  test("removes keys and entries", () => {
    expect(removeValue(DOCUMENT, ["tags.a"])).toEqual({ ...DOCUMENT, tags: {} });
    expect(removeValue(DOCUMENT, ["list", "0"])).toEqual({ ...DOCUMENT, list: [{ x: 2 }] });
    expect(removeValue(DOCUMENT, ["list[1].x"])).toEqual({ ...DOCUMENT, list: [{ x: 1 }, {}] });
  });
  test.each([
    [["tags.b"], "there is no tags.b"],
    [["nothing.there"], "there is no nothing.there"],
    [["list", "2"], "there is no entry 2 in list"],
    [["list", "x"], '"x" is not an index; indexes start at 0'],
    [["toString"], "there is no toString"],
    [[], "a key, or a list and an index, is required"],
    [["a", "1", "2"], "a key, or a list and an index, is required"],
  ])("refuses %j", (words, message) => {
    expect(refusal(() => removeValue(DOCUMENT, words))).toBe(message);
  });
  test("undoes what setValue did to a new key", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^new_[a-z]{1,8}$/), (key) => {
        expect(removeValue(setValue(DOCUMENT, `${key}=1`), [key])).toEqual(DOCUMENT);
      }),
    );
  });
});

describe("mergeDocuments", () => {
  test("lets an update win, adds to maps of the user's own, and never shrinks them", () => {
    const old = {
      name: "blue",
      tags: { a: 1, b: 2 },
      environment_variables: { A: "1", B: "2" },
      model: { path: "/old", name: "m" },
      request_settings: { request_timeout_ms: 1, max_queue_wait_ms: 2 },
      traffic: { blue: 100 },
      app_insights_enabled: true,
      instance_count: 3,
    };
    const update = {
      tags: { b: 3, c: 4 },
      environment_variables: { B: "" },
      model: { path: "/new" },
      request_settings: { request_timeout_ms: 5, max_queue_wait_ms: 0 },
      traffic: { green: 100 },
      app_insights_enabled: false,
      instance_count: 0,
      properties: {},
      description: "new",
    };
    expect(mergeDocuments(old, update)).toEqual({
      name: "blue",
      tags: { a: 1, b: 3, c: 4 },
      environment_variables: { A: "1", B: "" },
      model: { path: "/new" },
      request_settings: { request_timeout_ms: 5, max_queue_wait_ms: 2 },
      traffic: { green: 100 },
      app_insights_enabled: true,
      instance_count: 3,
      properties: {},
      description: "new",
    });
  });

  test("replaces settings of scaling when their kind changes", () => {
    const old = { scale_settings: { type: "target_utilization", min_instances: 2 } };
    expect(mergeDocuments(old, { scale_settings: { type: "default" } })).toEqual({
      scale_settings: { type: "default" },
    });
    expect(mergeDocuments(old, { scale_settings: { type: "target_utilization", max_instances: 3 } })).toEqual({
      scale_settings: { type: "target_utilization", min_instances: 2, max_instances: 3 },
    });
  });

  const key = fc.constantFrom(
    "tags",
    "environment_variables",
    "request_settings",
    "model",
    "name",
    "instance_count",
    "x",
  );
  const value = fc.oneof(
    fc.constantFrom("", "text", 0, 1, true, false, null),
    fc.dictionary(fc.constantFrom("a", "b", "__proto__", "type"), fc.constantFrom("", "v", 0, 7, null)),
  );
  const document = fc.dictionary(key, value);

  test("is the same when nothing or the same is said again", () => {
    fc.assert(
      fc.property(document, document, (old, update) => {
        expect(mergeDocuments(old, {})).toEqual(old);
        expect(mergeDocuments(old, old)).toEqual(old);
        const once = mergeDocuments(old, update);
        expect(mergeDocuments(once, update)).toEqual(once);
      }),
    );
  });

  test("keeps every key of both, and changes neither", () => {
    fc.assert(
      fc.property(document, document, (old, update) => {
        const before = structuredClone([old, update]);
        const merged = mergeDocuments(old, update);
        expect(new Set(Object.keys(merged))).toEqual(new Set([...Object.keys(old), ...Object.keys(update)]));
        expect([old, update]).toEqual(before);
      }),
    );
  });
});
