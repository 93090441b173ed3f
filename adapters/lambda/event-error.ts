/** An event that is no request. Lambda shows `name` as errorType; the source it comes from keeps its messages. */
export class EventError extends Error {
  readonly code = "ERR_EVENT";
  override readonly name = "ERR_EVENT";
}
