import { describe, expect, test } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";
import { checksumOf } from "../../../src/model/s3.ts";
import { parseModelUri, shownUri } from "../../../src/model/source.ts";
import { relativePath } from "../../../src/model/store.ts";

describe("the address of a model", () => {
  test.each([
    ["s3://bucket/a/b c%20.bin", { kind: "s3", bucket: "bucket", path: "a/b c%20.bin" }],
    ["s3://bucket", { kind: "s3", bucket: "bucket", path: "" }],
    ["s3://my.bucket/a/", { kind: "s3", bucket: "my.bucket", path: "a/" }],
    [
      "https://acct.blob.core.windows.net/models/a/b%20c?sv=1&sig=x%2F",
      {
        kind: "blob",
        endpoint: "https://acct.blob.core.windows.net",
        container: "models",
        path: "a/b c",
        sas: "?sv=1&sig=x%2F",
      },
    ],
    [
      "https://acct.blob.core.windows.net/$root",
      { kind: "blob", endpoint: "https://acct.blob.core.windows.net", container: "$root", path: "", sas: "" },
    ],
    [
      "http://127.0.0.1:10000/devstoreaccount1/models/x",
      { kind: "blob", endpoint: "http://127.0.0.1:10000/devstoreaccount1", container: "models", path: "x", sas: "" },
    ],
    ["file:///a/b%20c", { kind: "file", path: "/a/b c" }],
    ["file:/a", { kind: "file", path: "/a" }],
  ])("%s is understood", (text, source) => {
    expect(parseModelUri(text)).toEqual(source);
  });

  test.each([
    ["", /must be s3:/],
    ["models/x", /must be s3:/],
    ["gs://bucket/x", /must be s3:/],
    ["s3://", /must name a bucket/],
    ["s3:///x", /must name a bucket/],
    ["s3://Bucket_/x", /must name a bucket/],
    ["http://acct.blob.core.windows.net/models/x", /must begin with https/],
    ["https://user:pass@acct.blob.core.windows.net/models/x", /user name/],
    ["https://acct.blob.core.windows.net/", /must name a container/],
    ["https://acct.blob.core.windows.net/m/%zz", /two hexadecimal digits/],
    ["file:model", /must be an absolute path/],
    ["file://host/model", /must be a path of this machine/],
  ])("%j is refused with what it must be", (text, reason) => {
    expect(() => parseModelUri(text)).toThrow(reason);
  });

  test("is shown, and reported when it is wrong, without its key", () => {
    expect(shownUri("https://a.blob.core.windows.net/m/x?sig=secret")).toBe("https://a.blob.core.windows.net/m/x");
    expect(shownUri("s3://bucket/what?now")).toBe("s3://bucket/what?now");
    for (const SCOREFN_MODEL_URI of [
      "https://a.blob.core.windows.net/?sig=secret",
      "https://me:secret@a.net/models/x",
    ]) {
      const failure = (() => {
        try {
          return resolveConfig({ env: { SCOREFN_MODEL_URI } });
        } catch (error) {
          return error as Error;
        }
      })();
      expect(failure).toBeInstanceOf(Error);
      expect((failure as Error).message).toMatch(/^SCOREFN_MODEL_URI must /);
      expect((failure as Error).message).not.toContain("secret");
    }
  });
});

test.each([
  "HTTPS://acc.blob.core.windows.net/models/m?sig=s3cr3t",
  " https://acc.blob.core.windows.net/models/m?sig=s3cr3t",
  "ht\ttps://acc.blob.core.windows.net/models/m?sig=s3cr3t",
])("the key in %j, which is taken for an address, is not shown", (text) => {
  expect(parseModelUri(text)).toMatchObject({ kind: "blob", sas: "?sig=s3cr3t" });
  expect(shownUri(text)).not.toContain("s3cr3t");
});

describe("the name of an object", () => {
  test("becomes a path below the model directory", () => {
    expect(relativePath("m/a/b.bin", "m/", "s3://x")).toBe("a/b.bin");
    expect(relativePath("m/b.bin", "m/b.bin", "s3://x")).toBe("b.bin");
  });

  test.each(["m/../x", "m/a/../../x", "m//x", "m/./x", "m/x/", "m/a\u0000b"])("%j is refused", (name) => {
    expect(() => relativePath(name, "m/", "s3://x/m")).toThrow(/s3:\/\/x\/m holds .* cannot be the name of a file/);
  });
});

test("only what is a checksum of the content is taken for one", () => {
  const sha256 = Buffer.alloc(32, 1).toString("base64");
  const ETag = `"${"ab".repeat(16)}"`;
  const md5 = { algorithm: "md5", hex: "ab".repeat(16) };
  expect(checksumOf({ ChecksumSHA256: sha256, ETag })).toEqual({ algorithm: "sha256", hex: "01".repeat(32) });
  expect(
    checksumOf({ ChecksumSHA256: sha256, ChecksumType: "COMPOSITE", ETag: `"${"ab".repeat(16)}-3"` }),
  ).toBeUndefined();
  expect(checksumOf({ ChecksumSHA256: `${sha256}-3`, ETag })).toEqual(md5);
  expect(checksumOf({ ETag, ServerSideEncryption: "AES256" })).toEqual(md5);
  expect(checksumOf({ ETag, ServerSideEncryption: "aws:kms" })).toBeUndefined();
});
