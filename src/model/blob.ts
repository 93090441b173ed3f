import { messageOf, property } from "../core/thrown.ts";
import { loadSdk } from "./sdk.ts";
import type { ModelSource } from "./source.ts";
import { type Checksum, ModelChanged, type ModelFile, type ModelStore, modelError, relativePath } from "./store.ts";

/** The part of `@azure/storage-blob` that is used. */
interface BlobSdk {
  readonly ContainerClient: new (url: string, credential?: unknown, options?: object) => ContainerClient;
}

interface ContainerClient {
  getBlobClient(name: string): {
    getProperties(options: { abortSignal: AbortSignal }): Promise<Properties>;
    download(
      from: number,
      count: undefined,
      options: object,
    ): Promise<{ readableStreamBody?: AsyncIterable<Uint8Array> }>;
  };
  listBlobsFlat(
    options: object,
  ): AsyncIterable<{ name: string; properties: Properties; metadata?: Record<string, string> }>;
}

interface Properties {
  readonly contentLength?: number;
  readonly etag?: string;
  readonly contentMD5?: Uint8Array;
  readonly metadata?: Record<string, string>;
}

interface IdentitySdk {
  readonly DefaultAzureCredential: new () => unknown;
}

/** Of one request, by the SDK, with the waits between them in milliseconds; a broken stream is continued elsewhere. */
const RETRIES = { maxTries: 5, retryDelayInMs: 500, maxRetryDelayInMs: 5_000 };

export function openBlobs(source: ModelSource & { kind: "blob" }, folders: readonly string[]): ModelStore {
  const { endpoint, container, path, sas } = source;
  const shown = `${endpoint}/${container}/${path}`;
  const { ContainerClient } = loadSdk("@azure/storage-blob", folders, shown) as BlobSdk;
  const url = `${endpoint}/${container}${sas}`;
  const options = { retryOptions: RETRIES };
  const client = new ContainerClient(url, sas === "" ? credential() : undefined, options);

  function credential(): unknown {
    const { DefaultAzureCredential } = loadSdk("@azure/identity", folders, `${shown} without a SAS`) as IdentitySdk;
    return new DefaultAzureCredential();
  }

  const explained = (error: unknown, name: string, signal: AbortSignal): unknown =>
    signal.aborted ? error : explain(error, `${endpoint}/${container}/${name}`, sas !== "");

  async function only(signal: AbortSignal): Promise<ModelFile | undefined> {
    try {
      const properties = await client.getBlobClient(path).getProperties({ abortSignal: signal });
      return isFolder(properties.metadata) ? undefined : toFile(path, path, properties);
    } catch (error) {
      if (property(error, "statusCode") === 404 && property(error, "code") !== "ContainerNotFound") return undefined;
      throw explained(error, path, signal);
    }
  }

  async function below(prefix: string, signal: AbortSignal): Promise<ModelFile[]> {
    const files: ModelFile[] = [];
    try {
      for await (const { name, properties, metadata } of client.listBlobsFlat({
        prefix,
        includeMetadata: true,
        abortSignal: signal,
      })) {
        if (!isFolder(metadata)) files.push(toFile(name, prefix, properties));
      }
    } catch (error) {
      throw explained(error, path, signal);
    }
    return files;
  }

  function toFile(name: string, prefix: string, properties: Properties): ModelFile {
    const { contentLength = 0, etag = "", contentMD5 } = properties;
    const checksum: Checksum | undefined =
      contentMD5 === undefined || contentMD5.length === 0
        ? undefined
        : { algorithm: "md5", hex: Buffer.from(contentMD5).toString("hex") };
    // The two requests write it with and without quotes.
    const tag = etag.replace(/^"|"$/g, "");
    return { path: relativePath(name, prefix, shown), name, bytes: contentLength, tag, checksum };
  }

  return {
    async list(signal) {
      const file = path === "" || path.endsWith("/") ? undefined : await only(signal);
      if (file !== undefined) return [file];
      return below(path === "" || path.endsWith("/") ? path : `${path}/`, signal);
    },
    checksum: async ({ checksum }) => checksum,
    async open({ name, tag }, from, signal) {
      const conditions = tag === "" ? {} : { ifMatch: `"${tag}"` };
      try {
        const blob = client.getBlobClient(name);
        const { readableStreamBody } = await blob.download(from, undefined, { conditions, abortSignal: signal });
        return readableStreamBody!;
      } catch (error) {
        throw explained(error, name, signal);
      }
    },
  };
}

/** A folder of an account with a hierarchical namespace is listed as a blob. */
function isFolder(metadata: Record<string, string> | undefined): boolean {
  return Object.entries(metadata ?? {}).some(
    ([name, value]) => name.toLowerCase() === "hdi_isfolder" && value === "true",
  );
}

function explain(error: unknown, shown: string, hasSas: boolean): Error {
  const status = property(error, "statusCode");
  const name = String(property(error, "name"));
  const code = property(error, "code");
  const said = typeof code === "string" ? code : name;
  if (status === 412) return new ModelChanged(shown, { cause: error });
  if (status === 404)
    return modelError("ERR_MODEL_NOT_FOUND", `There is no ${shown} (${said}): check the address.`, error);
  if (status === 401 || status === 403 || /Authentication|Credential/.test(name)) {
    const cure = hasSas
      ? "the SAS must not have expired, and must allow to read and to list"
      : "the managed identity must have the role Storage Blob Data Reader (AZURE_CLIENT_ID chooses among several), or the address must carry a SAS";
    return modelError("ERR_MODEL_ACCESS", `${shown} may not be read (${said}): ${cure}.`, error);
  }
  return modelError(
    "ERR_MODEL_FETCH",
    `${shown} cannot be fetched (${said}: ${firstLine(error)}): check the network and the address.`,
    error,
  );
}

function firstLine(error: unknown): string {
  return messageOf(error).split("\n", 1)[0]!;
}
