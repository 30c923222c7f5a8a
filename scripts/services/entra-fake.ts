import { readFileSync } from "node:fs";
import { startEntraFake } from "@bucketbridge/testkit/entra-fake";

// node entra-fake.ts PORT CERTIFICATE KEY TENANT CLIENT_ID CLIENT_SECRET: started by `azurite start`, ended by a signal.
const [port, cert = "", key = "", tenantId = "", clientId = "", clientSecret = ""] =
  process.argv.slice(2);

await startEntraFake({
  port: Number(port),
  certificate: { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") },
  apps: [{ tenantId, clientId, clientSecret, expiredSecret: "expired-secret" }],
});
