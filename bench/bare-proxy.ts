// A server that does nothing but pipe what another one sends, in a process of its own: the reference of the proxy.
import http from "node:http";
import { pipeline } from "node:stream";

const agent = new http.Agent({ keepAlive: true });
const server = http.createServer((request, response) => {
  const target = new URL(request.url ?? "/", "http://bare").searchParams.get("url") ?? "";
  http.get(target, { agent }, (upstream) => {
    response.writeHead(upstream.statusCode ?? 502, {
      "content-length": upstream.headers["content-length"],
    });
    pipeline(upstream, response, () => undefined);
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.(typeof address === "object" ? address?.port : undefined);
});
process.on("disconnect", () => process.exit(0));
