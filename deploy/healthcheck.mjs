// Is the process of this container ready? Asks /readyz where the API listens and where a worker does.
import http from "node:http";

const TIMEOUT_MS = 4_000;

const ports = new Set([process.env.PORT, process.env.BUCKETBRIDGE_WORKER_PORT]);
const answers = await Promise.all([...ports].map(isReady));
process.exitCode = answers.includes(true) ? 0 : 1;

function isReady(port) {
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port, path: "/readyz", timeout: TIMEOUT_MS, agent: false };
    const request = http.get(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}
