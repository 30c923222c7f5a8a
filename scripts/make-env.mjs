// Writes .env for docker-compose.yml, with secrets of its own; `--print` shows them instead. Plain JavaScript that Node 20
// understands, without packages: it runs before anything is installed.
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { fileURLToPath } from "node:url";

const FILE = fileURLToPath(new URL("../.env", import.meta.url));

const hex = (bytes) => randomBytes(bytes).toString("hex");
const TEXT = `# Made by scripts/make-env.mjs for docker-compose.yml. Keep a copy where the backups of the database are not:
# without BUCKETBRIDGE_SECRET_KEYS the saved credentials of storages cannot be read.

# first owner and the token for SDK and /admin/queues
BUCKETBRIDGE_OWNER_EMAIL=owner@example.com
BUCKETBRIDGE_OWNER_TOKEN=${hex(24)}

# encrypts the credentials of storages: id:base64(32 bytes), comma separated, the first encrypts, all decrypt
BUCKETBRIDGE_SECRET_KEYS=k1:${randomBytes(32).toString("base64")}
# signs personal access tokens, comma separated, the first signs, all verify
BUCKETBRIDGE_TOKEN_KEY=${hex(32)}

# administrator of PostgreSQL (migrate alone), the ordinary role of api and workers, Redis
POSTGRES_PASSWORD=${hex(24)}
DATABASE_PASSWORD=${hex(24)}
REDIS_PASSWORD=${hex(24)}

# where the API is published on this machine
#API_ADDRESS=127.0.0.1:8080
# how many import workers run, unless --scale says otherwise
#IMPORT_WORKERS=2
# what storages may reach beyond public addresses, for example a MinIO: 10.1.2.3 or minio.example.org
#BUCKETBRIDGE_EGRESS_ALLOW=
# all other variables of docs/configuration.md belong into docker-compose.override.yml
`;

if (process.argv.includes("--print")) process.stdout.write(TEXT);
else writeOnce();

/** Never overwrites: new secrets would lock the old data. */
function writeOnce() {
  try {
    fs.writeFileSync(FILE, TEXT, { flag: "wx", mode: 0o600 });
    console.log(`made ${FILE} (readable by you alone); start with: docker compose up --build`);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    console.error(
      `${FILE} exists already and is kept: its secrets fit the data that was made with them`,
    );
    process.exitCode = 1;
  }
}
