import { messageOf, property } from "../core/thrown.ts";
import { loadSdk } from "./sdk.ts";
import type { ModelSource } from "./source.ts";
import { type Checksum, ModelChanged, type ModelFile, type ModelStore, modelError, relativePath } from "./store.ts";

/** The part of `@aws-sdk/client-s3` that is used. */
interface S3Sdk {
  readonly S3Client: new (
    options: object,
  ) => { send(command: object, options: { abortSignal: AbortSignal }): Promise<unknown> };
  readonly HeadObjectCommand: new (input: object) => object;
  readonly GetObjectCommand: new (input: object) => object;
  readonly ListObjectsV2Command: new (input: object) => object;
}

interface Head {
  readonly ContentLength?: number;
  readonly ETag?: string;
  readonly ChecksumSHA256?: string;
  readonly ChecksumType?: string;
  readonly ServerSideEncryption?: string;
}

interface Page {
  readonly Contents?: readonly { readonly Key?: string; readonly Size?: number; readonly ETag?: string }[];
  readonly NextContinuationToken?: string;
}

const PACKAGE = "@aws-sdk/client-s3";
/** Of one request, by the SDK; a broken stream is continued elsewhere. */
const ATTEMPTS = 5;

export function openS3(
  source: ModelSource & { kind: "s3" },
  folders: readonly string[],
  isCustom: boolean,
): ModelStore {
  const { bucket: Bucket, path } = source;
  const shown = `s3://${Bucket}/${path}`;
  const sdk = loadSdk(PACKAGE, folders, shown) as S3Sdk;
  const client = new sdk.S3Client({
    maxAttempts: ATTEMPTS,
    followRegionRedirects: true,
    // A server of one's own seldom has a host name per bucket.
    forcePathStyle: isCustom,
    // What is fetched in parts is checked as a whole.
    responseChecksumValidation: "WHEN_REQUIRED",
  });

  async function send<T>(command: object, abortSignal: AbortSignal, what: string): Promise<T> {
    try {
      return (await client.send(command, { abortSignal })) as T;
    } catch (error) {
      if (abortSignal.aborted) throw error;
      throw explain(error, what);
    }
  }

  async function only(signal: AbortSignal): Promise<ModelFile> {
    const head = await send<Head>(new sdk.HeadObjectCommand({ Bucket, Key: path }), signal, shown);
    return { path: relativePath(path, path, shown), name: path, bytes: head.ContentLength ?? 0, tag: head.ETag ?? "" };
  }

  async function below(prefix: string, signal: AbortSignal): Promise<ModelFile[]> {
    const files: ModelFile[] = [];
    let ContinuationToken: string | undefined;
    do {
      const command = new sdk.ListObjectsV2Command({ Bucket, Prefix: prefix, ContinuationToken });
      const { Contents = [], NextContinuationToken } = await send<Page>(command, signal, shown);
      for (const { Key = "", Size = 0, ETag = "" } of Contents) {
        // What consoles make to show a folder.
        if (Key.endsWith("/") && Size === 0) continue;
        files.push({ path: relativePath(Key, prefix, shown), name: Key, bytes: Size, tag: ETag });
      }
      ContinuationToken = NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return files;
  }

  return {
    async list(signal) {
      if (path === "" || path.endsWith("/")) return below(path, signal);
      try {
        return [await only(signal)];
      } catch (error) {
        const code = property(error, "code");
        if (code !== "ERR_MODEL_NOT_FOUND" && code !== "ERR_MODEL_ACCESS") throw error;
        // Who may not list is told 403 of what is not there, too; and who may only list, of what is there.
        const files = await below(`${path}/`, signal);
        if (files.length === 0 && code === "ERR_MODEL_ACCESS") throw error;
        return files;
      }
    },
    async checksum({ name: Key, tag }, signal) {
      const command = new sdk.HeadObjectCommand({ Bucket, Key, IfMatch: tag || undefined, ChecksumMode: "ENABLED" });
      return checksumOf(await send<Head>(command, signal, `s3://${Bucket}/${Key}`));
    },
    async open({ name: Key, tag }, from, signal) {
      const Range = from > 0 ? `bytes=${from}-` : undefined;
      const command = new sdk.GetObjectCommand({ Bucket, Key, Range, IfMatch: tag || undefined });
      return (await send<{ Body: AsyncIterable<Uint8Array> }>(command, signal, `s3://${Bucket}/${Key}`)).Body;
    },
  };
}

/** An object in parts has a checksum of checksums, and one that is encrypted with a key of KMS an ETag that is none. */
export function checksumOf(head: Head): Checksum | undefined {
  const { ChecksumSHA256: sha256, ChecksumType, ETag = "", ServerSideEncryption } = head;
  if (sha256 !== undefined && ChecksumType !== "COMPOSITE" && !sha256.includes("-")) {
    return { algorithm: "sha256", hex: Buffer.from(sha256, "base64").toString("hex") };
  }
  const md5 = /^"?([0-9a-f]{32})"?$/.exec(ETag)?.[1];
  const isPlain = ServerSideEncryption === undefined || ServerSideEncryption === "AES256";
  return md5 !== undefined && isPlain ? { algorithm: "md5", hex: md5 } : undefined;
}

const NO_ACCESS =
  /Credentials|AccessDenied|Forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|Expired|InvalidToken|NotSignedUp|AccountProblem/;
const CREDENTIALS =
  "the role of the function or machine, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, must allow s3:GetObject and s3:ListBucket";

function explain(error: unknown, shown: string): Error {
  const name = String(property(error, "name"));
  const status = property(property(error, "$metadata"), "httpStatusCode");
  const said = `${name}: ${messageOf(error)}`;
  if (status === 412) return new ModelChanged(shown, { cause: error });
  if (status === 404 || name === "NoSuchKey" || name === "NoSuchBucket" || name === "NotFound") {
    return modelError("ERR_MODEL_NOT_FOUND", `There is no ${shown} (${name}): check the address.`, error);
  }
  if (messageOf(error).includes("Region is missing")) {
    return modelError("ERR_MODEL_ACCESS", `The region of ${shown} is not known: set AWS_REGION.`, error);
  }
  if (status === 401 || status === 403 || NO_ACCESS.test(name)) {
    return modelError("ERR_MODEL_ACCESS", `${shown} may not be read (${said}): ${CREDENTIALS}.`, error);
  }
  return modelError(
    "ERR_MODEL_FETCH",
    `${shown} cannot be fetched (${said}): check the network, the address and AWS_REGION.`,
    error,
  );
}
