import { benchSecrets } from "../bench-secrets.ts";
import { answerParent } from "./answer-parent.ts";
import { serveConfig } from "./serve-config.ts";

// The broker as it is shipped, with TLS, certificates, tokens of both kinds and 10,000 grants; plaintext too, to be filled through.
const [, , certificate, key, client_ca, hash, jwks_file, principal] = process.argv;
const issuer = { issuer: "https://issuer.example.org", audiences: ["secret-broker"], jwks_file };
const parts = [0, 1, 2, 3];

// More than one file may hold.
const grants = parts.map((part) => {
  const policies = benchSecrets(10_000)
    .filter((_, index) => index % parts.length === part)
    .map(({ name }) => ({
      principals: [principal, "bench-token", "bench-jwt"],
      actions: ["read", "write"],
      names: [name],
    }));
  return [`grants.d/${String(part)}.yaml`, { policies }] as const;
});
const broker = await serveConfig(
  {
    general_settings: { key_management_settings: { access_mode: "read_and_write" } },
    secret_broker: {
      manager: { kind: "memory" },
      listen: [
        { address: "localhost:0", tls: { certificate, key, client_ca, client_certificates: "optional" } },
        "127.0.0.1:0",
      ],
      authentication: {
        tokens: { file: "tokens.yaml" },
        certificates: { trust_domains: ["example.org"] },
        jwt: [issuer],
      },
      policy_files: ["grants.d"],
    },
  },
  { ...Object.fromEntries(grants), "tokens.yaml": { tokens: [{ principal: "bench-token", hash }] } },
);
answerParent(broker.addresses.join(" "));
