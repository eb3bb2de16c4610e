import { SecretBrokerClient } from "secret-broker";
import { benchSecrets } from "./bench-secrets.ts";
import { compareReads, type Contender, ratio, rowOf } from "./compare-reads.ts";
import type { BenchReport } from "./report.ts";
import { SecureTransport } from "./secure-transport.ts";
import { startSubject, type SubjectProcess } from "./subject-process.ts";

/**
 * `ReadSecret` over TLS 1.3 by callers who prove who they are, with 10,000 grants and audit, against grpc-js alone over
 * the same transport, turn by turn.
 */
export async function readTls(rounds: number): Promise<BenchReport> {
  const transport = new SecureTransport();
  const startBare = (...more: readonly string[]): Promise<SubjectProcess> =>
    startSubject("bare-server.ts", [...transport.subjectArguments, ...more]);
  const startBroker = (): Promise<SubjectProcess> => startFilledBroker(transport);
  const contenders: readonly [Contender, Contender, Contender, Contender, Contender] = [
    { name: "bare grpc-js, mTLS", start: () => startBare("mutual"), identity: transport.byCertificate, samples: [] },
    { name: "broker, mTLS", start: startBroker, identity: transport.byCertificate, samples: [] },
    { name: "bare grpc-js, TLS", start: () => startBare(), identity: transport.byToken, samples: [] },
    { name: "broker, TLS and a token", start: startBroker, identity: transport.byToken, samples: [] },
    { name: "broker, TLS and a JWT", start: startBroker, identity: await transport.byJwt(), samples: [] },
  ];
  await compareReads(contenders, rounds);
  const [bare, byCertificate, bareTls, byToken, byJwt] = contenders;
  const ratios = {
    callsPerCpuSecondMutualTls: ratio(byCertificate, bare, "callsPerCpuSecond"),
    callsPerCpuSecondToken: ratio(byToken, bareTls, "callsPerCpuSecond"),
    callsPerCpuSecondJwt: ratio(byJwt, bareTls, "callsPerCpuSecond"),
    p50LatencyMutualTls: ratio(byCertificate, bare, "p50Ms"),
    p99LatencyMutualTls: ratio(byCertificate, bare, "p99Ms"),
  };
  return { bench: "read-tls", ratios, rows: contenders.map(rowOf), rounds };
}

async function startFilledBroker(transport: SecureTransport): Promise<SubjectProcess> {
  const subject = await startSubject("secure-broker-server.ts", [...transport.subjectArguments, transport.principal]);
  const [address = "", plainAddress = ""] = subject.address.split(" ");
  const client = new SecretBrokerClient(plainAddress, { token: transport.token });
  for (const { name, value } of benchSecrets(10)) await client.writeSecret({ name, payload: value });
  client.close();
  return { ...subject, address };
}
