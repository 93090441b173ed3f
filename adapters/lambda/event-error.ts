/** An event that is no request. Lambda shows `name` as errorType; the source it comes from keeps its messages. */
export class EventError extends Error {
  readonly code = "ERR_EVENT";
  override readonly name = "ERR_EVENT";

  constructor(mark: string) {
    super(
      `This function answers HTTP requests, from a Function URL, API Gateway or a load balancer, and direct invocations. ` +
        `The event belongs to another service of AWS (it has ${mark}), and is not taken for handled.`,
    );
  }
}
