// Real servers that speak S3 and blob storage, and a proxy before each that counts and disturbs.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { environment } from "../../setup/environments.mjs";
import { preparedAzurite, preparedModelClients } from "../../setup/runtimes.ts";
import { freePort, startServer } from "../../setup/server.ts";
import { until } from "../../setup/service.ts";

/** A place that models are put into and fetched from. */
export interface TestStore {
  /** Address of an object, or of all below a prefix, by way of the proxy. */
  uri(path: string): string;
  put(path: string, content: string | Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
  readonly proxy: Proxy;
  /** What a fetch has to have in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Folder below which the packages are installed. */
  readonly packages: string;
}

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
}

/** Passes on what it gets. */
export interface Proxy {
  readonly url: string;
  readonly seen: Seen[];
  /** Requests for the content of an object. */
  contents(): Seen[];
  /** True: nobody is reached. */
  isAway: boolean;
  /** Requests that get 403. */
  denies: ((seen: Seen) => boolean) | undefined;
  /** What becomes of the next answers that are contents; removed when it returns true. */
  disturb: ((path: string, answer: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  close(): void;
}

export async function startProxy(target: string, isContent: (seen: Seen) => boolean): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const server: Server = createServer((incoming, response) => {
    const { method = "", url = "", headers } = incoming;
    if (proxy.isAway) {
      incoming.destroy();
      return;
    }
    const range = headers.range ?? (headers["x-ms-range"] as string | undefined);
    const seen: Seen = { method, path: decodeURIComponent(url.split("?", 1)[0]!), range };
    const isData = method === "GET" && !url.includes("comp=list") && !url.includes("list-type") && isContent(seen);
    proxy.seen.push(seen);
    if (proxy.denies?.(seen)) {
      response.writeHead(403).end();
      return;
    }
    const onward = request({ hostname, port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.rawHeaders);
      const { disturb } = proxy;
      if (isData && answer.statusCode! < 300 && disturb !== undefined) {
        if (disturb(seen.path, answer, response)) proxy.disturb = undefined;
      } else answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: Proxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    contents: () => proxy.seen.filter((seen) => seen.method === "GET" && isContent(seen)),
    isAway: false,
    denies: undefined,
    disturb: undefined,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return proxy;
}

/** Sends so many bytes and breaks the connection. */
export function cutAfter(bytes: number) {
  return (_path: string, answer: IncomingMessage, response: ServerResponse): boolean => {
    sendUpTo(bytes, answer, response, () => response.destroy());
    return true;
  };
}

/** Sends so many bytes and then nothing more. */
export function stallAfter(bytes: number, onStall: () => void = () => {}) {
  return (_path: string, answer: IncomingMessage, response: ServerResponse): boolean => {
    sendUpTo(bytes, answer, response, onStall);
    return true;
  };
}

function sendUpTo(bytes: number, answer: IncomingMessage, response: ServerResponse, then: () => void): void {
  let left = bytes;
  let isOver = false;
  answer.on("data", (chunk: Buffer) => {
    if (isOver) return;
    const piece = chunk.subarray(0, left);
    left -= piece.length;
    isOver = left === 0;
    response.write(piece, () => {
      if (isOver) then();
    });
  });
}

/** Changes one byte. */
export function damage(_path: string, answer: IncomingMessage, response: ServerResponse): boolean {
  const pieces: Buffer[] = [];
  answer.on("data", (chunk: Buffer) => pieces.push(chunk));
  answer.on("end", () => {
    const body = Buffer.concat(pieces);
    body[body.length >> 1]! ^= 1;
    response.end(body);
  });
  return true;
}

const BUCKET = "models";

/** moto. */
export async function startS3(): Promise<TestStore> {
  const packages = await preparedModelClients();
  const moto = environment("moto");
  if ("unavailable" in moto) throw new Error(moto.unavailable);
  const port = await freePort();
  const server = startServer({
    command: moto.python,
    args: ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)],
    port,
  });
  await server.waitReady("/moto-api/");
  const proxy = await startProxy(server.url, ({ path }) => path.startsWith(`/${BUCKET}/`) && path !== `/${BUCKET}/`);
  const sdk = createRequire(join(packages, "package.json"))("@aws-sdk/client-s3");
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const client = new sdk.S3Client({ endpoint: server.url, region: "us-east-1", forcePathStyle: true, credentials });
  await client.send(new sdk.CreateBucketCommand({ Bucket: BUCKET }));
  return {
    uri: (path) => `s3://${BUCKET}/${path}`,
    put: async (Key, Body) => {
      await client.send(new sdk.PutObjectCommand({ Bucket: BUCKET, Key, Body, ChecksumAlgorithm: "SHA256" }));
    },
    remove: async (Key) => {
      await client.send(new sdk.DeleteObjectCommand({ Bucket: BUCKET, Key }));
    },
    proxy,
    packages,
    env: {
      AWS_ENDPOINT_URL_S3: proxy.url,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_EC2_METADATA_DISABLED: "true",
    },
  };
}

/** The account and key that the emulator has, as its documentation names them. */
const ACCOUNT = "devstoreaccount1";
const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** Path of the program, account and key of azurite, for a test that starts it in its own way. */
export async function azurite(): Promise<{ main: string; account: string; key: string }> {
  return { main: await preparedAzurite(), account: ACCOUNT, key: KEY };
}

/** azurite. */
export async function startBlobs(location: string): Promise<TestStore> {
  const [packages, main] = [await preparedModelClients(), await preparedAzurite()];
  const port = await freePort();
  const server = startServer({
    command: process.execPath,
    args: [
      main,
      "--blobPort",
      String(port),
      "--location",
      location,
      "--silent",
      "--disableTelemetry",
      "--skipApiVersionCheck",
    ],
    port,
  });
  await until(() => fetch(server.url).then(({ status }) => status > 0), "azurite answers");
  const prefix = `/${ACCOUNT}/${BUCKET}/`;
  const proxy = await startProxy(server.url, ({ path }) => path.startsWith(prefix) && path !== prefix);
  const sdk = createRequire(join(packages, "package.json"))("@azure/storage-blob");
  const key = new sdk.StorageSharedKeyCredential(ACCOUNT, KEY);
  const container = new sdk.ContainerClient(`${server.url}/${ACCOUNT}/${BUCKET}`, key);
  await container.create();
  const permissions = sdk.ContainerSASPermissions.parse("rl");
  const expiresOn = new Date(Date.now() + 3_600_000);
  const sas = sdk.generateBlobSASQueryParameters({ containerName: BUCKET, permissions, expiresOn }, key).toString();
  return {
    uri: (path) => `${proxy.url}/${ACCOUNT}/${BUCKET}/${path}?${sas}`,
    put: async (path, content) => {
      await container.getBlockBlobClient(path).upload(content, Buffer.byteLength(content));
    },
    remove: async (path) => {
      await container.deleteBlob(path);
    },
    proxy,
    packages,
    env: {},
  };
}
