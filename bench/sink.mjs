// Takes whatever telemetry is sent to it, as a process of its own so that the servers' figures are theirs. It prints its port.
import { createServer } from "node:http";

const EMPTY = { "/v1/traces": "{}", "/v2.1/track": '{"itemsReceived":0,"itemsAccepted":0,"errors":[]}' };

createServer((request, response) => {
  request.resume().on("end", () => {
    const isProtobuf = /protobuf/.test(request.headers["content-type"] ?? "");
    response.setHeader("content-type", request.headers["content-type"] ?? "text/plain");
    response.end(isProtobuf ? "" : (EMPTY[request.url] ?? ""));
  });
}).listen(0, "127.0.0.1", function listening() {
  console.log(this.address().port);
});
