/** Parameters that are credentials; OpenTelemetry's list, and what Azure and its neighbours call their keys. */
const SECRET =
  /(^|&)(code|sig|signature|AWSAccessKeyId|X-Goog-Signature|X-Amz-Signature|subscription-key|api[-_]?key|access_token)=[^&]*/gi;

/** A query string as telemetry may show it. */
export function shownQuery(query: string): string {
  return query.replace(SECRET, "$1$2=REDACTED");
}
