// What is known of a request's body before it is read.
import { BadInputError, type ScoreError } from "../../core/errors.ts";
import type { RequestIds } from "../../core/headers.ts";
import type { ModelKind, ScoreRequest, ScoreResponse } from "../../core/types.ts";
import type { ResponseSettings } from "../../routes/respond.ts";
import type { TellError } from "../../routes/route.ts";

const ENCODINGS: ReadonlySet<string> = new Set(["", "identity", "gzip", "deflate"]);

/** @returns the answer to a body that is packed in a way nobody here unpacks */
export function refuseEncoding(
  { headers }: Pick<ScoreRequest, "headers">,
  tell: TellError,
  ids: RequestIds,
  settings: ResponseSettings,
): ScoreResponse | undefined {
  const encoding = headers["content-encoding"];
  if (encoding === undefined || ENCODINGS.has(encoding.trim().toLowerCase())) return undefined;
  const message = `Content-Encoding must be gzip, deflate or identity, and is '${encoding}'`;
  const response = tell(new BadInputError("ERR_MEDIA_TYPE", message), ids, settings);
  return { ...response, headers: [...response.headers, ["Accept-Encoding", "gzip, deflate"]] };
}

const PARQUET = "application/vnd.apache.parquet";
/** Every server of MLflow's has had these. */
const TYPES = ["text/csv", "application/json", PARQUET];

/** What is wrong with the media type of a request to `/invocations`, in the words of MLflow's server. Parquet
 *  is read by the libraries of its models alone. */
export function mediaTypeFault(contentType: string | undefined, kind: ModelKind): ScoreError | undefined {
  const [type = "", ...parameters] = (contentType ?? "").split(";").map((part) => part.trim());
  const pairs = parameters.filter((part) => part !== "").map(splitPair);
  const charset = pairs.findLast(([name]) => name === "charset")?.[1] ?? "utf-8";
  if (charset.toLowerCase() !== "utf-8") return fault("The scoring server only supports UTF-8");
  const strange = pairs.map(([name]) => name).filter((name) => name !== "charset");
  if (strange.length > 0) return fault(`Unrecognized content type parameters: ${strange.join(", ")}. ${CHANGED}`);
  if (kind !== "mlflow" && type.toLowerCase() === PARQUET) {
    return fault("Parquet is not read for this model: send application/json or text/csv.");
  }
  if (TYPES.includes(type.toLowerCase())) return undefined;
  const got = contentType === undefined ? "none" : `'${contentType}'`;
  const types = TYPES.map((one) => `'${one}'`).join(", ");
  return fault(`This predictor only supports the following content types: Types: [${types}]. Got ${got}.`);
}

function fault(message: string): ScoreError {
  return new BadInputError("ERR_MEDIA_TYPE", message);
}

/** Names are case-insensitive, and values may be quoted (RFC 9110). */
function splitPair(pair: string): readonly [name: string, value: string] {
  const [name = "", value = ""] = pair.split("=", 2);
  return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, "$1")];
}

const CHANGED =
  "IMPORTANT: The MLflow Model scoring protocol has changed in MLflow version 2.0. If you are seeing this error, you are " +
  "likely using an outdated scoring request format. To resolve the error, either update your request format or adjust your " +
  "MLflow Model's requirements file to specify an older version of MLflow (for example, change the 'mlflow' requirement " +
  "specifier to 'mlflow==1.30.0'). If you are making a request using the MLflow client (e.g. via " +
  "`mlflow.pyfunc.spark_udf()`), upgrade your MLflow client to a version >= 2.0 in order to use the new request format. " +
  "For more information about the updated MLflow Model scoring protocol in MLflow 2.0, see " +
  "https://mlflow.org/docs/latest/models.html#deploy-mlflow-models.";
