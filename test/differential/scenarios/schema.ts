import { get, type LabelledRequest, post, type Scenario, send } from "../scenario.ts";

const JSON_TYPE = { "Content-Type": "application/json" };
const declared = (text: string | Uint8Array, contentType = "application/json"): LabelledRequest =>
  post(text, { "Content-Type": contentType });

const contentTypes = [
  "application/json; charset=latin-1",
  "Application/Problem+JSON",
  "application/jsonp",
  "application/x-json",
  "text/json",
  "application/json,text/plain",
  "",
];

const notJson = [
  "{",
  '{"num":}',
  '{"num":1',
  '{"num":1} x',
  "   ",
  '{"num" 1}',
  '{"num":1 "s":2}',
  '{"num":"open',
  '{"num":"a\nb"}',
  '{"num":"\\x"}',
  '{"num":"\\u12g4"}',
  '{\n "num": 1,\n é: 2}',
  "{'num': 1}",
  '{"num":01}',
  '{"num":+1}',
  '{"num":.5}',
  '{"num":tru}',
  "\u00a0{}",
];

const numbers = [
  "123456789012345678901234567890",
  "1e400",
  "-1e400",
  "-0",
  "-0.0",
  "1.0",
  "1e-7",
  "NaN",
  "Infinity",
  "-Infinity",
];

const encoded = (text: string, how: "utf16le" | "utf16be", mark: boolean): Buffer => {
  const bytes = Buffer.from((mark ? "\ufeff" : "") + text, "utf16le");
  return how === "utf16le" ? bytes : bytes.swap16();
};

/** Four bytes a character, as UTF-32 has them. */
function utf32(text: string, littleEndian: boolean): Buffer {
  const bytes = Buffer.alloc(text.length * 4);
  for (const [index, character] of [...text].entries()) {
    if (littleEndian) bytes.writeUInt32LE(character.codePointAt(0)!, index * 4);
    else bytes.writeUInt32BE(character.codePointAt(0)!, index * 4);
  }
  return bytes;
}

const OBJECT = '{"num": "é"}';

/** Bodies that bring the reference down (IN-16). */
const undecodable: readonly LabelledRequest[] = [
  declared(Buffer.from('{"num": "\xff"}', "latin1")),
  declared(Buffer.from("7b226e756d223a2022eda080227d", "hex")),
  declared("[".repeat(100_000)),
  declared(`{"num": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`),
];

const refused = [
  "output twice",
  "no input type",
  "no output type",
  "no sample",
  "a set",
  "complex numbers",
  "no array",
] as const;

const swaggers = ["", "?version=2", "?version=3", "?version=3.1"].map((query) => get(`/swagger.json${query}`));

/** IN-9 to IN-17, IS, SIG-4, SIG-8: scripts that declare what they take. */
export const schema: readonly Scenario[] = [
  {
    name: "IN-9 IN-10 IN-11 IN-12 IN-13 IN-14 ERR-2 ERR-6 object mode",
    scripts: ["schema/objects.py"],
    requests: [
      ...contentTypes.map((type) => declared('{"num": 1}', type)),
      post('{"num": 1}'),
      post("", { "Content-Type": "text/plain" }),
      declared(""),
      ...notJson.map((text) => declared(text)),
      ...["[]", "null", '"x"', "1", "true", "[{}]", " [] "].map((text) => declared(text)),
      ...["{}", '{"s": 1}', '{"num": null}', '{"num": 1, "more": 2}', '{"Num": 1}', '{"num": 1, "other": [1]}'].map(
        (text) => declared(text),
      ),
      get("/score"),
      get("/score?num=1"),
      get("/score?num=x&s=2&other=%7B%22a%22:1%7D"),
      get("/score?num=1&num=2"),
      send("GET", "/score?num=1", "not JSON", { "Content-Type": "text/plain" }),
      post('{"num": 1}', JSON_TYPE, "/score?num=2&s=3"),
    ],
  },
  {
    name: "IN-15 IN-17 JSON-6 encodings, duplicates and numbers of an object",
    scripts: ["schema/objects.py"],
    requests: [
      declared(`\ufeff${OBJECT}`),
      ...(["utf16le", "utf16be"] as const).flatMap((how) => [
        declared(encoded(OBJECT, how, false)),
        declared(encoded(OBJECT, how, true)),
      ]),
      declared(utf32(OBJECT, true)),
      declared(utf32(OBJECT, false)),
      declared('{"num": 1, "num": 2, "s": {"a": 1, "a": 2}}'),
      ...numbers.map((number) => declared(`{"num": ${number}}`)),
      declared('{"num": "\\ud83d\\ude00 \\ud800"}'),
      declared(' \t\r\n{"num"\n:\t1}\r\n'),
    ],
  },
  { name: "IN-16 bodies that cannot be decoded", scripts: ["schema/objects.py"], requests: undecodable },
  {
    name: "SIG-8 IS-16 only an output schema",
    scripts: ["schema/output_only.py"],
    requests: [declared('{"data": "5"}'), declared("{}"), post("5"), get("/score?data=5&more=6"), ...swaggers],
  },
  {
    name: "IS-6 a declared name that is no parameter",
    scripts: ["schema/wrong_name.py"],
    requests: [declared('{"data": [1]}'), declared('{"dta": [1]}'), ...swaggers],
  },
  {
    name: "IS-17 IS-20 SW-6 a sample that swagger 2 cannot describe",
    scripts: ["schema/example.py"],
    requests: [declared('{"data": [1]}'), get("/swagger.json?version=5"), ...swaggers],
  },
  {
    name: "IS-18 IS-20 the topmost declaration decides",
    scripts: ["schema/topmost.py"],
    requests: [declared('{"mixed": [1]}'), declared('{"mixed": [1], "plain": 5}'), ...swaggers],
  },
  {
    name: "IS-11 IS-22 numpy types",
    scripts: ["schema/numpy_types.py"],
    requests: [
      ...swaggers,
      ...[
        '{"int64": [1.7, "5", true]}',
        '{"int64": [[1]]}',
        '{"int64": ["x"]}',
        '{"uint8": [[1], [255]]}',
        '{"uint8": [[1, 2]]}',
        '{"uint8": [[-1]]}',
        '{"float32": [[[0.1]], [[2]]]}',
        '{"boolean": [true, 0, "x"]}',
        '{"text": ["longer than the sample", 5]}',
        '{"moment": ["2021-02-03T04:05:06", "3 Feb 2021"]}',
        '{"moment": ["whenever"]}',
        '{"span": ["5 hours", "2 Days"]}',
        '{"span": ["5"]}',
        '{"span": ["5 foo"]}',
        '{"objects": [1, "a", null]}',
        '{"record": [{"name": "Bob", "grades": [1, 2], "age": 4}]}',
        '{"record": [["Cid", [1, 2], 5]]}',
        '{"record": [{"name": "Bob"}]}',
        '{"loose": [[1, "a", 2.5]]}',
        '{"loose": [1]}',
        '{"loose": {"a": 1}}',
        '{"loose": "text"}',
      ].map((text) => declared(text)),
    ],
  },
  {
    name: "TMO-1 IS-14 INIT-5 the scoring timeout covers conversion, not init()",
    scripts: ["schema/own_type.py"],
    env: { SCORING_TIMEOUT_MS: "1500" },
    requests: [declared('{"pause": 0.01}'), declared('{"pause": 3600}'), declared('{"pause": "x"}'), ...swaggers],
  },
  {
    name: "TMO-1 the scoring timeout does not cover a body that streams",
    scripts: ["streams_slowly.py"],
    env: { SCORING_TIMEOUT_MS: "400" },
    requests: [post("")],
  },
  { name: "SIG-4 raw and declared", scripts: ["schema/refused.py"], env: { CASE: "raw and declared" } },
  ...refused.map((what) => ({ name: `IS-4 ${what}`, scripts: ["schema/refused.py"], env: { CASE: what } })),
];
