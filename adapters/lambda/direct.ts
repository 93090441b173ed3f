// Direct invocations: `aws lambda invoke`, an SDK, Step Functions. The event is the body, the result what run() returned.

/** First status of an answer that makes the invocation fail. */
const FAILURE_STATUS = 400;

/** A direct invocation that has failed. Lambda shows `name` as errorType and the message as errorMessage. */
export class InvocationError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = code;
    this.code = code;
  }
}

export function isFailure(status: number): boolean {
  return status >= FAILURE_STATUS;
}
