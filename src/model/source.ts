// Where a model is to be fetched from: what `--model_uri` may say.
import { isIP } from "node:net";
import { fileURLToPath } from "node:url";

export type ModelSource =
  /** An object, or all below a prefix; empty: the whole bucket. */
  | { readonly kind: "s3"; readonly bucket: string; readonly path: string }
  /** A blob, or all below a prefix. `sas` is a shared access signature, a secret; empty: none. */
  | {
      readonly kind: "blob";
      readonly endpoint: string;
      readonly container: string;
      readonly path: string;
      readonly sas: string;
    }
  | { readonly kind: "file"; readonly path: string };

const FORMS = "must be s3://bucket/path, https://ACCOUNT.blob.core.windows.net/container/path or file:///path";
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/;
const CONTAINER = /^(?:\$root|[a-z0-9](?:-?[a-z0-9])+)$/;

/** @throws Error whose message says what the text must be, without repeating it: it may hold a key */
export function parseModelUri(text: string): ModelSource {
  if (text.startsWith("s3://")) return parseS3(text.slice("s3://".length));
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error(FORMS);
  }
  if (url.protocol === "file:") return parseFile(text, url);
  if (url.protocol === "https:" || url.protocol === "http:") return parseBlob(url);
  throw new Error(FORMS);
}

/** The address as it may be shown and logged. Only a key of S3 may have a question mark: elsewhere a secret stands behind it,
 *  however the address begins (`HTTPS:`, or with blanks, which URLs may). */
export function shownUri(text: string): string {
  const [address = ""] = text.startsWith("s3://") ? [text] : text.split("?", 1);
  return address.replace(/\/\/[^/]*@/, "//");
}

/** A key is taken as it is written; nothing in it is decoded. */
function parseS3(text: string): ModelSource {
  const slash = text.indexOf("/");
  const bucket = slash < 0 ? text : text.slice(0, slash);
  if (!BUCKET.test(bucket)) throw new Error("must name a bucket, as in s3://bucket/path");
  return { kind: "s3", bucket, path: slash < 0 ? "" : text.slice(slash + 1) };
}

function parseFile(text: string, url: URL): ModelSource {
  if (!/^file:\//.test(text)) throw new Error("must be an absolute path, as in file:///path");
  try {
    return { kind: "file", path: fileURLToPath(url) };
  } catch {
    throw new Error("must be a path of this machine, as in file:///path");
  }
}

function parseBlob(url: URL): ModelSource {
  const isLoopback = /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname);
  if (url.protocol === "http:" && !isLoopback) throw new Error("must begin with https://");
  if (url.username !== "" || url.password !== "") throw new Error("must not hold a user name or a password");
  let path: string;
  try {
    path = decodeURIComponent(url.pathname.slice(1));
  } catch {
    throw new Error("must have two hexadecimal digits behind each %");
  }
  const parts = path.split("/");
  // Where the account is not in the host's name, as with the emulator, it is the first part of the path.
  const isEmulator = isLoopback || isIP(url.hostname.replace(/^\[|\]$/g, "")) !== 0;
  const account = isEmulator ? `/${parts.shift() ?? ""}` : "";
  const container = parts.shift() ?? "";
  if (!CONTAINER.test(container)) {
    throw new Error("must name a container, as in https://ACCOUNT.blob.core.windows.net/container/path");
  }
  return { kind: "blob", endpoint: url.origin + account, container, path: parts.join("/"), sas: url.search };
}
