import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { createLog } from "../../../src/host.ts";
import { type FetchOptions, fetchModel } from "../../../src/model/fetch.ts";
import { freePort, startServer } from "../../setup/server.ts";
import { until } from "../../setup/service.ts";
import { azurite, cutAfter, damage, stallAfter, startBlobs, startS3, type TestStore } from "./stores.ts";

const SETUP_MS = 15 * 60_000;
const root = mkdtempSync(join(tmpdir(), "scorefn-models-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const before = { ...process.env };
const stores: Record<string, TestStore> = {};
beforeAll(async () => {
  const location = mkdtempSync(join(root, "azurite-"));
  [stores.S3, stores.blobs] = await Promise.all([startS3(), startBlobs(location)]);
  // The SDKs read this process's environment.
  Object.assign(process.env, stores.S3!.env);
}, SETUP_MS);
afterAll(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  for (const store of Object.values(stores)) store.proxy.close();
});

interface Fetched {
  readonly folder: string;
  readonly log: string;
}

async function fetchInto(
  cache: string,
  store: TestStore,
  path: string,
  more: Partial<FetchOptions> = {},
): Promise<Fetched> {
  let log = "";
  const logger = createLog((text) => {
    log += text;
  }, "DEBUG");
  const options = { uri: store.uri(path), cache, packageFolders: [store.packages], env: store.env, ...more };
  const folder = await fetchModel(options, logger, new AbortController().signal);
  return { folder, log };
}

/** The same in a process of its own. */
function fetchElsewhere(cache: string, store: TestStore, path: string): ChildProcess & { output(): string } {
  const source = `
    import { createLog } from ${JSON.stringify(packageFile("dist/src/log/create.js"))};
    import { fetchModel } from ${JSON.stringify(packageFile("dist/src/model/fetch.js"))};
    const log = createLog((text) => process.stdout.write(text), "DEBUG");
    const folder = await fetchModel(JSON.parse(process.argv[1]), log, new AbortController().signal);
    process.stdout.write("FOLDER " + folder + "\\n");`;
  const options = { uri: store.uri(path), cache, packageFolders: [store.packages], env: store.env };
  const child = spawn(process.execPath, ["--input-type=module", "-e", source, JSON.stringify(options)], {
    env: { ...process.env, ...store.env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  return Object.assign(child, { output: () => output });
}

const ended = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once("close", resolve));
const freshCache = (): string => mkdtempSync(join(root, "cache-"));
const BIG = randomBytes(3_000_000);

describe.each(["S3", "blobs"])("a model in %s", (name) => {
  let store: TestStore;
  let cache: string;
  beforeEach(() => {
    store = stores[name]!;
    store.proxy.seen.length = 0;
    store.proxy.disturb = undefined;
    store.proxy.isAway = false;
    cache = freshCache();
  });

  test("is fetched with its folders, once", async () => {
    await store.put("nested/model.bin", BIG);
    await store.put("nested/a/b/labels ü.json", '["x"]');
    await store.put("nested/empty", "");
    await store.put("nested-but-not-below", "other");
    const { folder, log } = await fetchInto(cache, store, "nested");
    expect(readdirSync(folder).sort()).toEqual(["a", "empty", "model.bin"]);
    expect(readFileSync(join(folder, "model.bin")).equals(BIG)).toBe(true);
    expect(readFileSync(join(folder, "a/b/labels ü.json"), "utf8")).toBe('["x"]');
    expect(readFileSync(join(folder, "empty"), "utf8")).toBe("");
    expect(log).toMatch(/Fetching the model of \S+: 3 of 3 files, 3.0 MB/);
    expect(log).toMatch(/is complete after [\d.]+ s: /);

    store.proxy.seen.length = 0;
    const again = await fetchInto(cache, store, "nested");
    expect(again.folder).toBe(folder);
    expect(again.log).toContain("is in the cache");
    expect(store.proxy.contents()).toEqual([]);
  });

  test("may be one object, or all below a prefix with a slash", async () => {
    await store.put("one/model.bin", "one");
    for (const path of ["one/model.bin", "one/"]) {
      const { folder } = await fetchInto(freshCache(), store, path);
      expect(readdirSync(folder)).toEqual(["model.bin"]);
      expect(readFileSync(join(folder, "model.bin"), "utf8")).toBe("one");
    }
  });

  test("that breaks off is continued where it broke off", async () => {
    await store.put("cut/model.bin", BIG);
    store.proxy.disturb = cutAfter(1_000_000);
    const { folder, log } = await fetchInto(cache, store, "cut");
    expect(readFileSync(join(folder, "model.bin")).equals(BIG)).toBe(true);
    expect(log).toMatch(/broke off at byte \d+ of 3000000/);
    const ranges = store.proxy.contents().map(({ range }) => range);
    expect(ranges.at(-1)).toMatch(/^bytes=[1-9]\d*-/);
  });

  test("is continued by the next process when one is killed, and no half model is ever in place", async () => {
    await store.put("killed/model.bin", BIG);
    await store.put("killed/small", "small");
    let stalled = false;
    store.proxy.disturb = (path, answer, response) => {
      if (!path.endsWith("model.bin")) {
        answer.pipe(response);
        return false;
      }
      return stallAfter(1_000_000, () => {
        stalled = true;
      })(path, answer, response);
    };
    const child = fetchElsewhere(cache, store, "killed");
    const recorded = (): string => {
      const file = filesBelow(cache).find((path) => path.endsWith("staging.jsonl"));
      return file === undefined ? "" : readFileSync(file, "utf8");
    };
    const parts = () => filesBelow(cache).filter((file) => file.includes("/parts/"));
    await until(() => stalled && recorded().includes('"small"'), "half of it is there");
    await until(
      () => parts().some((file) => readFileSync(file).length >= 1_000_000),
      "a million bytes are on the disk",
    );
    child.kill("SIGKILL");
    await ended(child);
    expect(filesBelow(cache).filter((file) => file.endsWith("model.bin"))).toEqual([]);
    // As if nobody had touched it for a while.
    const [model] = readdirSync(cache);
    const lock = join(cache, model!, "lock");
    expect(existsSync(lock)).toBe(true);
    utimesSync(lock, new Date(0), new Date(0));

    store.proxy.seen.length = 0;
    const { folder } = await fetchInto(cache, store, "killed");
    expect(readFileSync(join(folder, "model.bin")).equals(BIG)).toBe(true);
    expect(store.proxy.contents().map(({ path }) => path.split("/").at(-1))).not.toContain("small");
    expect(store.proxy.contents().at(-1)!.range).toMatch(/^bytes=[1-9]\d{6}-/);
    expect(readdirSync(join(cache, model!)).sort()).toEqual(["manifest.json", folder.split("/").at(-1)]);
  });

  test("of which a file has changed is fetched again, that file only", async () => {
    await store.put("changed/a", "old");
    await store.put("changed/b", "same");
    const old = await fetchInto(cache, store, "changed");
    await store.put("changed/a", "new");
    store.proxy.seen.length = 0;
    const { folder } = await fetchInto(cache, store, "changed");
    expect(readFileSync(join(folder, "a"), "utf8")).toBe("new");
    expect(readFileSync(join(folder, "b"), "utf8")).toBe("same");
    expect(store.proxy.contents().map(({ path }) => path.split("/").at(-1))).toEqual(["a"]);
    // A server that runs may still use it.
    expect(readFileSync(join(old.folder, "a"), "utf8")).toBe("old");
    await store.remove("changed/b");
    const last = await fetchInto(cache, store, "changed");
    expect(readdirSync(last.folder)).toEqual(["a"]);
    expect(existsSync(old.folder)).toBe(false);
    expect(existsSync(folder)).toBe(true);
  });

  test("that changes while it is fetched is listed again", async () => {
    await store.put("moving/model.bin", BIG);
    const other = randomBytes(2_000_000);
    store.proxy.disturb = (_path, answer, response) => {
      void store.put("moving/model.bin", other).then(() => cutAfter(1_000_000)("", answer, response));
      return true;
    };
    const { folder, log } = await fetchInto(cache, store, "moving");
    expect(readFileSync(join(folder, "model.bin")).equals(other)).toBe(true);
    expect(log).toContain("has changed while it was fetched");
  });

  test("that is damaged on the way is not put in place", async () => {
    await store.put("damaged/model.bin", BIG);
    store.proxy.disturb = damage;
    const algorithm = new RegExp(
      `has the ${name === "S3" ? "sha256" : "md5"} \\w+ and should have \\w+; .*start again`,
    );
    await expect(fetchInto(cache, store, "damaged")).rejects.toMatchObject({
      code: "ERR_MODEL_CHECKSUM",
      message: expect.stringMatching(algorithm),
    });
    expect(filesBelow(cache).filter((file) => file.endsWith("model.bin"))).toEqual([]);
    const { folder } = await fetchInto(cache, store, "damaged");
    expect(readFileSync(join(folder, "model.bin")).equals(BIG)).toBe(true);
  });

  test("whose kept part is damaged is fetched from its beginning", async () => {
    await store.put("part/model.bin", BIG);
    store.proxy.disturb = stallAfter(1_000_000);
    const child = fetchElsewhere(cache, store, "part");
    const part = () => filesBelow(cache).find((file) => file.includes("/parts/"));
    await until(() => part() !== undefined && readFileSync(part()!).length >= 1_000_000, "a million bytes are there");
    child.kill("SIGKILL");
    await ended(child);
    rmSync(join(cache, readdirSync(cache)[0]!, "lock"));
    writeFileSync(part()!, Buffer.alloc(1_000_000));
    const { folder, log } = await fetchInto(cache, store, "part");
    expect(readFileSync(join(folder, "model.bin")).equals(BIG)).toBe(true);
    expect(log).toContain("it is fetched again from its beginning");
  });

  test("of which a file is missing in the cache is mended", async () => {
    await store.put("holes/a", "a");
    await store.put("holes/b", "b");
    const { folder } = await fetchInto(cache, store, "holes");
    rmSync(join(folder, "a"));
    store.proxy.seen.length = 0;
    expect((await fetchInto(cache, store, "holes")).folder).toBe(folder);
    expect(readFileSync(join(folder, "a"), "utf8")).toBe("a");
    expect(store.proxy.contents().map(({ path }) => path.split("/").at(-1))).toEqual(["a"]);
  });

  test("is fetched once by two processes at once", async () => {
    await store.put("both/model.bin", BIG);
    let release: (() => void) | undefined;
    store.proxy.disturb = (_path, answer, response) => {
      release = () => answer.pipe(response);
      return true;
    };
    const children = [fetchElsewhere(cache, store, "both"), fetchElsewhere(cache, store, "both")];
    const outputs = (): string => children.map((child) => child.output()).join("");
    await until(
      () => release !== undefined && outputs().includes("Waiting for another process"),
      "one waits for the other",
    );
    release!();
    await Promise.all(children.map(ended));
    const folders = [...outputs().matchAll(/^FOLDER (.*)$/gm)].map(([, folder]) => folder);
    expect(folders).toHaveLength(2);
    expect(new Set(folders).size).toBe(1);
    expect(store.proxy.contents()).toHaveLength(1);
  });

  test("whose fetching process stood still for too long is fetched by another, and whole for both", async () => {
    await store.put("stopped/model.bin", BIG);
    store.proxy.disturb = stallAfter(1_000_000);
    const first = fetchElsewhere(cache, store, "stopped");
    const parts = (): string[] => readdirSync(cache, { recursive: true, encoding: "utf8" });
    await until(() => parts().some((path) => /parts.\w+$/.test(path)), "the first has begun");
    process.kill(first.pid!, "SIGSTOP");
    const lock = join(cache, parts().find((path) => path.endsWith("lock"))!);
    // As after a minute.
    utimesSync(lock, new Date(0), new Date(0));
    store.proxy.disturb = undefined;
    const { folder } = await fetchInto(cache, store, "stopped");
    expect(readFileSync(join(folder, "model.bin")).equals(BIG)).toBe(true);
    process.kill(first.pid!, "SIGCONT");
    await ended(first);
    expect(first.output()).toContain(`FOLDER ${folder}\n`);
    expect(readFileSync(join(folder, "model.bin")).equals(BIG)).toBe(true);
  });

  test("is taken from the cache when its store cannot be reached, which the log says", async () => {
    await store.put("away/model.bin", "x");
    const { folder } = await fetchInto(cache, store, "away");
    store.proxy.isAway = true;
    const again = await fetchInto(cache, store, "away");
    expect(again.folder).toBe(folder);
    expect(again.log).toContain("The model that was fetched last is used");
    await expect(fetchInto(freshCache(), store, "away")).rejects.toMatchObject({ code: "ERR_MODEL_FETCH" });
  });

  test("that is not there is said to be", async () => {
    for (const path of ["nowhere", "nowhere/"]) {
      await expect(fetchInto(cache, store, path)).rejects.toMatchObject({ code: "ERR_MODEL_NOT_FOUND" });
    }
    const uri = name === "S3" ? "s3://no-such-bucket/x" : store.uri("x").replace("/models/", "/no-such-container/");
    await expect(fetchInto(cache, store, "", { uri })).rejects.toMatchObject({
      // A SAS for another container does not say whether there is one.
      code: expect.stringMatching(name === "S3" ? /^ERR_MODEL_NOT_FOUND$/ : /^ERR_MODEL_(NOT_FOUND|ACCESS)$/),
    });
  });

  test("names no key in what it says", async () => {
    const failure = await fetchInto(cache, store, "nowhere").catch((error) => error);
    expect(failure.message).not.toContain("sig=");
    await store.put("quiet/x", "x");
    const { log, folder } = await fetchInto(cache, store, "quiet");
    expect(log + folder + filesBelow(cache).map((file) => readFileSync(file, "utf8"))).not.toContain("sig=");
  });

  test("without its package names the command that installs it", async () => {
    const app = mkdtempSync(join(root, "app-"));
    const failure = await fetchInto(cache, store, "x", { packageFolders: [app] }).catch((error) => error);
    const wanted = name === "S3" ? "@aws-sdk/client-s3" : "@azure/storage-blob";
    expect(failure).toMatchObject({
      code: "ERR_MODEL_SDK",
      message: expect.stringContaining(`run npm install ${wanted} in ${app}.`),
    });
  });
});

describe("a model that may not be read", () => {
  test.each(["S3", "blobs"])("in %s: is not said to be missing", async (name) => {
    const store = stores[name]!;
    await store.put("denied/model.bin", "x");
    store.proxy.isAway = false;
    store.proxy.denies = ({ path }) => path.endsWith("model.bin");
    onTestFinished(() => {
      store.proxy.denies = undefined;
    });
    for (const path of ["denied/model.bin", "denied"]) {
      await expect(fetchInto(freshCache(), store, path)).rejects.toMatchObject({ code: "ERR_MODEL_ACCESS" });
    }
  });

  test("in S3: names the credentials that are missing", async () => {
    const store = stores.S3!;
    const saved = { ...process.env };
    onTestFinished(() => void Object.assign(process.env, saved));
    delete process.env.AWS_ACCESS_KEY_ID;
    delete process.env.AWS_SECRET_ACCESS_KEY;
    process.env.AWS_SHARED_CREDENTIALS_FILE = join(root, "none");
    process.env.AWS_CONFIG_FILE = join(root, "none");
    await expect(fetchInto(freshCache(), store, "x")).rejects.toMatchObject({
      code: "ERR_MODEL_ACCESS",
      message: expect.stringMatching(/CredentialsProviderError.*AWS_ACCESS_KEY_ID/),
    });
  });

  test("in blobs: names what is wrong with the SAS", async () => {
    const store = stores.blobs!;
    const uri = store.uri("x").replace(/sig=[^&]*/, "sig=AAAA");
    await expect(fetchInto(freshCache(), store, "x", { uri })).rejects.toMatchObject({
      code: "ERR_MODEL_ACCESS",
      message: expect.stringContaining("the SAS must not have expired"),
    });
  });
});

test("a model in blobs is fetched with the managed identity of a function app", async () => {
  const [{ main, account, key }, port] = [await azurite(), await freePort()];
  const folder = mkdtempSync(join(root, "identity-"));
  const [cert, certKey] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", certKey, "-out", cert, "-days", "2", ...subject],
    { stdio: "pipe" },
  );
  const https = ["--oauth", "basic", "--cert", cert, "--key", certKey, "--skipApiVersionCheck"];
  const args = [main, "--blobPort", String(port), "--location", folder, "--silent", "--disableTelemetry", ...https];
  startServer({ command: process.execPath, args, port });
  // What the platform has at IDENTITY_ENDPOINT.
  const asked: string[] = [];
  const identity = createServer((request, response) => {
    asked.push(
      `${request.headers["x-identity-header"]} ${new URL(request.url!, "http://x").searchParams.get("resource")}`,
    );
    const seconds = Math.floor(Date.now() / 1000);
    const claims = {
      aud: "https://storage.azure.com",
      iss: "https://sts.windows.net/t/",
      iat: seconds - 60,
      nbf: seconds - 60,
      exp: seconds + 3600,
    };
    const [head, body] = [{ alg: "RS256", typ: "JWT" }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString("base64url"),
    );
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        access_token: `${head}.${body}.c2ln`,
        expires_on: String(claims.exp),
        resource: claims.aud,
        token_type: "Bearer",
      }),
    );
  });
  await new Promise<void>((resolve) => identity.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void identity.close());
  const { packages } = stores.blobs!;
  const container = `https://127.0.0.1:${port}/${account}/models`;
  const source = `
    import { createRequire } from "node:module";
    import { createLog } from ${JSON.stringify(packageFile("dist/src/log/create.js"))};
    import { fetchModel } from ${JSON.stringify(packageFile("dist/src/model/fetch.js"))};
    const sdk = createRequire(${JSON.stringify(join(packages, "package.json"))})("@azure/storage-blob");
    const client = new sdk.ContainerClient(${JSON.stringify(container)}, new sdk.StorageSharedKeyCredential(${JSON.stringify(account)}, ${JSON.stringify(key)}));
    await client.create();
    await client.getBlockBlobClient("m/model.bin").upload("the model", 9);
    const options = { uri: ${JSON.stringify(`${container}/m`)}, cache: ${JSON.stringify(freshCache())}, packageFolders: [${JSON.stringify(packages)}], env: {} };
    const log = createLog(() => {}, "DEBUG");
    process.stdout.write("FOLDER " + (await fetchModel(options, log, new AbortController().signal).catch((error) => error)) + "\\n");`;
  const env = {
    ...process.env,
    NODE_EXTRA_CA_CERTS: cert,
    IDENTITY_ENDPOINT: `http://127.0.0.1:${(identity.address() as AddressInfo).port}/token`,
    IDENTITY_HEADER: "secret",
  };
  await until(() => isListening(port), "azurite listens");
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], { env });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  await ended(child);
  const found = /^FOLDER (\/.*)$/m.exec(output)?.[1];
  expect(found, output).toBeDefined();
  expect(readFileSync(join(found!, "model.bin"), "utf8")).toBe("the model");
  expect(asked).toEqual(["secret https://storage.azure.com"]);
});

function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

describe("a model on a disk", () => {
  const local = (path: string, cache: string): Promise<Fetched> =>
    fetchInto(cache, { ...stores.S3!, uri: () => `file://${path}`, env: {} }, "");

  test("is copied, and again when it has changed", async () => {
    const folder = mkdtempSync(join(root, "local-"));
    const cache = freshCache();
    writeFileSync(join(folder, "model.bin"), "old");
    const first = await local(folder, cache);
    expect(readFileSync(join(first.folder, "model.bin"), "utf8")).toBe("old");
    expect((await local(folder, cache)).log).toContain("is in the cache");
    writeFileSync(join(folder, "model.bin"), "newer");
    expect(readFileSync(join((await local(folder, cache)).folder, "model.bin"), "utf8")).toBe("newer");
    const one = await local(join(folder, "model.bin"), cache);
    expect(readdirSync(one.folder)).toEqual(["model.bin"]);
  });

  test("that the disk has no room for is not begun", async () => {
    const file = join(root, "sparse.bin");
    writeFileSync(file, "");
    truncateSync(file, 8 * 2 ** 40);
    const cache = freshCache();
    await expect(local(file, cache)).rejects.toMatchObject({
      code: "ERR_MODEL_DISK",
      message: expect.stringMatching(/8\.8 TB are needed and .* free.*--model_cache/),
    });
    rmSync(file);
  });

  test.skipIf(process.platform === "win32")("that the system does not let write says so", async () => {
    const folder = mkdtempSync(join(root, "local-"));
    writeFileSync(join(folder, "model.bin"), BIG);
    const source = `
      import { createLog } from ${JSON.stringify(packageFile("dist/src/log/create.js"))};
      import { fetchModel } from ${JSON.stringify(packageFile("dist/src/model/fetch.js"))};
      const options = { uri: "file://${folder}", cache: process.argv[1], packageFolders: [], env: {} };
      const failure = await fetchModel(options, createLog(() => {}, "DEBUG"), new AbortController().signal).catch((error) => error);
      process.stdout.write(failure.code + " " + failure.message);`;
    const command = `ulimit -f 1000; exec "$0" --input-type=module -e "$1" "$2"`;
    const child = spawn("bash", ["-c", command, process.execPath, source, freshCache()]);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    await ended(child);
    expect(output).toMatch(/^ERR_MODEL_DISK .*EFBIG.*SCOREFN_MODEL_CACHE/);
  });

  test("that is not there, or a cache that cannot be written to", async () => {
    await expect(local(join(root, "nowhere"), freshCache())).rejects.toMatchObject({ code: "ERR_MODEL_NOT_FOUND" });
    const file = join(root, "a-file");
    writeFileSync(file, "");
    await expect(local(root, file)).rejects.toMatchObject({ code: "ERR_MODEL_DISK" });
  });
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
