import { SecretBrokerClient } from "secret-broker";
import { benchSecrets } from "./bench-secrets.ts";
import { startSubject, type SubjectProcess } from "./subject-process.ts";

/**
 * Starts a broker over so many hosted keys and writes each. From here: a broker does not call itself, and a client in
 * its process would leave node:http2, which both sides share, compiled for both.
 */
export async function startBrokerSubject(keys: number, kind = "memory"): Promise<SubjectProcess> {
  const subject = await startSubject("broker-server.ts", [String(keys), kind]);
  const client = new SecretBrokerClient(subject.address);
  for (const { name, value } of benchSecrets(keys)) await client.writeSecret({ name, payload: value });
  client.close();
  return subject;
}
