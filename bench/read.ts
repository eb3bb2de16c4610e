import { startBrokerSubject } from "./broker-subject.ts";
import { compareReads, type Contender, ratio, rowOf } from "./compare-reads.ts";
import type { BenchReport } from "./report.ts";
import { startSubject } from "./subject-process.ts";

/** Full `ReadSecret` through the broker against the same answers from grpc-js alone, turn by turn. */
export async function read(rounds: number): Promise<BenchReport> {
  const contenders: readonly [Contender, Contender, Contender] = [
    { name: "bare grpc-js", start: () => startSubject("bare-server.ts"), samples: [] },
    { name: "broker, 10 keys", start: () => startBrokerSubject(10), samples: [] },
    { name: "broker, 10,000 keys", start: () => startBrokerSubject(10_000), samples: [] },
  ];
  await compareReads(contenders, rounds);
  const [bare, few, many] = contenders;
  const ratios = {
    callsPerCpuSecond: ratio(few, bare, "callsPerCpuSecond"),
    callsPerCpuSecondManyKeys: ratio(many, bare, "callsPerCpuSecond"),
    manyKeysToFew: ratio(many, few, "callsPerCpuSecond"),
    p50Latency: ratio(few, bare, "p50Ms"),
    p99Latency: ratio(few, bare, "p99Ms"),
  };
  return { bench: "read", ratios, rows: contenders.map(rowOf), rounds };
}
