import { describe, expect, it } from "vitest";
import { BrokerMetrics, maxSecretNameLabels } from "../../src/telemetry/broker-metrics.js";

describe("BrokerMetrics", () => {
  it("counts a manager's calls by operation and outcome", () => {
    const metrics = new BrokerMetrics();
    metrics.managerCall("read", "found", 1);
    metrics.managerCall("read", "absent", 1);
    metrics.managerCall("write", "failed", 1);
    const operations = new Map(metrics.operations());
    expect(operations.get("read")?.callsByOutcome).toEqual({ found: 1, absent: 1, failed: 0, done: 0 });
    expect(operations.get("read")?.latency.count).toBe(2);
    expect(operations.get("write")?.callsByOutcome.failed).toBe(1);
  });

  it("counts decisions", () => {
    const metrics = new BrokerMetrics();
    metrics.decision(true);
    metrics.decision(false);
    metrics.decision(false);
    expect(metrics.decisions()).toEqual({ allowed: 1, denied: 2 });
  });

  it("counts audit records only when their batch was written", () => {
    const metrics = new BrokerMetrics();
    metrics.auditBatch(3, 1, true);
    metrics.auditBatch(5, 1, false);
    expect(metrics.audit()).toEqual({ records: 3, written: 1, failed: 1, losses: 0, missing: 0 });
  });

  it("keeps no secret's name unless asked to", () => {
    const metrics = new BrokerMetrics();
    metrics.secretRead("OPENAI_API_KEY");
    expect([...metrics.secretReads()]).toEqual([]);
  });

  it("bounds the names it keeps and counts the rest together", () => {
    const metrics = new BrokerMetrics({ secretNames: true });
    for (let index = 0; index < maxSecretNameLabels + 50; index += 1) metrics.secretRead(`name-${String(index)}`);
    metrics.secretRead("name-0");
    const reads = new Map(metrics.secretReads());
    expect(reads.size).toBe(maxSecretNameLabels + 1);
    expect(reads.get("other")).toBe(50);
    expect(reads.get("name-0")).toBe(2);
  });
});
