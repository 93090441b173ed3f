// The yardstick: node:http that reads, parses and answers the JSON itself.
import { createServer } from "node:http";

const port = Number(process.argv[2]);
createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const text = chunks.length === 1 ? chunks[0].toString() : Buffer.concat(chunks).toString();
    const body = request.method === "POST" ? JSON.stringify({ n: JSON.parse(text).data.length }) : "Healthy";
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
    response.end(body);
  });
}).listen(port, "127.0.0.1");
