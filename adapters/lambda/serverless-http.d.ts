// The two classes that serverless-http is built around. Its front, which reads events and writes results, is not used: it
// would read every request a second time. The package's version is pinned, as its inner modules promise nothing.
declare module "serverless-http/lib/request.js" {
  import { IncomingMessage } from "node:http";
  export default class ServerlessRequest extends IncomingMessage {
    constructor(request: {
      method: string;
      url: string;
      headers: Record<string, string>;
      body: Buffer;
      remoteAddress: string | undefined;
    });
  }
}

declare module "serverless-http/lib/response.js" {
  import { type IncomingMessage, ServerResponse } from "node:http";
  export default class ServerlessResponse extends ServerResponse {
    constructor(request: Pick<IncomingMessage, "method">);
    /** What was written. */
    static body(response: ServerlessResponse): Buffer;
  }
}
