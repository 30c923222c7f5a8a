import { readFile } from "node:fs/promises";
import { connect } from "node:net";

/** An Azurite for tests, with a login host for service principals. Others may use it too: take containers of your own. */
export interface FoundAzurite {
  /** `{account}` stands for the account's name. */
  readonly blobEndpoint: string;
  readonly accountName: string;
  readonly accountKey: string;
  /** The certificate of both servers, PEM. */
  readonly ca: string;
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Where `scripts/services/azurite start` listens unless told otherwise, and what it knows. */
const SERVICE = {
  port: 10_000,
  certificate: "/var/tmp/azurite/cert.pem",
  accountName: "devstoreaccount1",
  // Azurite's own, from its documentation.
  accountKey:
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
  tenantId: "11111111-1111-4111-8111-111111111111",
  clientId: "22222222-2222-4222-8222-222222222222",
  clientSecret: "fake-entra-client-secret",
} as const;

/** A server on this machine answers at once or there is none. */
const PROBE_MS = 1_000;

/** Finds an Azurite: the one that AZURITE_PORT names, else one that listens from scripts/services. `undefined`: there is none. */
export async function findAzurite(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<FoundAzurite | undefined> {
  const port = Number(environment["AZURITE_PORT"] ?? SERVICE.port);
  const certificate = environment["AZURITE_CERTIFICATE"] ?? SERVICE.certificate;
  const ca = await readFile(certificate, "utf8").catch(() => undefined);
  if (ca === undefined || !(await listens(port))) return undefined;
  const { accountName, accountKey, tenantId, clientId, clientSecret } = SERVICE;
  return {
    blobEndpoint: `https://127.0.0.1:${String(port)}/{account}`,
    authorityHost: `https://localhost:${String(port + 1)}`,
    accountName,
    accountKey,
    ca,
    tenantId,
    clientId,
    clientSecret,
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: PROBE_MS });
    const done = (isListening: boolean) => () => {
      socket.destroy();
      resolve(isListening);
    };
    socket.once("connect", done(true)).once("error", done(false)).once("timeout", done(false));
  });
}
