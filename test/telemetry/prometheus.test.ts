import { register } from "prom-client";
import { describe, expect, it } from "vitest";
import { BrokerMetrics } from "../../src/telemetry/broker-metrics.js";
import { CallMetrics } from "../../src/telemetry/call-metrics.js";
import { createPrometheus, type PrometheusSources } from "../../src/telemetry/prometheus.js";
import { type Family, readExposition, type Sample } from "./exposition.js";

const read = "secretbroker.v1.SecretBroker/ReadSecret";
const readLabels = { service: "secretbroker.v1.SecretBroker", method: "ReadSecret" };

function sourcesWith(changes: Partial<PrometheusSources> = {}): PrometheusSources {
  return {
    calls: new CallMetrics([read]),
    broker: new BrokerMetrics(),
    gauges: { managerHealthy: () => true, auditHealthy: () => false },
    listeners: { connections: () => 3, certificates: () => [{ address: "[::1]:443", expiresAtMs: 1_900_000_000_000 }] },
    version: "1.2.3",
    ...changes,
  };
}

async function scrape(sources: PrometheusSources): Promise<Map<string, Family>> {
  return readExposition(await createPrometheus(sources).render());
}

function samplesOf(families: Map<string, Family>, name: string): readonly Sample[] {
  const family = families.get(name);
  if (family === undefined) throw new Error(`no metric ${name}`);
  return family.samples;
}

function valueOf(families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return samplesOf(families, name).find((each) => JSON.stringify(Object.entries(each.labels).sort()) === wanted)?.value;
}

describe("createPrometheus", () => {
  it("says that it is Prometheus' text format", () => {
    expect(createPrometheus(sourcesWith()).contentType).toContain("text/plain; version=0.0.4");
  });

  it("shows calls by service, method and the name of their status", async () => {
    const sources = sourcesWith();
    const method = sources.calls.forMethod(read);
    method.started();
    method.finished(5, 3);
    method.started();
    const families = await scrape(sources);
    expect(families.get("secret_broker_grpc_calls_total")?.type).toBe("counter");
    expect(valueOf(families, "secret_broker_grpc_calls_total", { ...readLabels, code: "NOT_FOUND" })).toBe(1);
    expect(valueOf(families, "secret_broker_grpc_calls_total", { ...readLabels, code: "OK" })).toBe(0);
    expect(valueOf(families, "secret_broker_grpc_calls_in_flight", readLabels)).toBe(1);
  });

  it("shows latencies as a histogram whose buckets add up to its count", async () => {
    const sources = sourcesWith();
    for (const durationMs of [0.2, 0.7, 3, 40, 20_000]) sources.calls.forMethod(read).finished(0, durationMs);
    const samples = samplesOf(await scrape(sources), "secret_broker_grpc_call_duration_seconds");
    const buckets = samples.filter(({ name }) => name.endsWith("_bucket"));
    const counts = buckets.map(({ value }) => value);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(buckets.at(-1)).toMatchObject({ labels: { ...readLabels, le: "+Inf" }, value: 5 });
    expect(samples.find(({ name }) => name.endsWith("_count"))?.value).toBe(5);
    expect(samples.find(({ name }) => name.endsWith("_sum"))?.value).toBeCloseTo(20.0439);
    expect(buckets.find(({ labels }) => labels["le"] === "0.0005")?.value).toBe(1);
  });

  it("shows what the manager did", async () => {
    const sources = sourcesWith();
    sources.broker.managerCall("read", "absent", 2);
    const families = await scrape(sources);
    expect(valueOf(families, "secret_broker_manager_calls_total", { operation: "read", outcome: "absent" })).toBe(1);
    expect(samplesOf(families, "secret_broker_manager_call_duration_seconds").length).toBeGreaterThan(0);
  });

  it("shows decisions, audit, health and the version", async () => {
    const sources = sourcesWith();
    sources.broker.decision(false);
    sources.broker.auditBatch(7, 1, true);
    const families = await scrape(sources);
    expect(valueOf(families, "secret_broker_policy_decisions_total", { decision: "denied" })).toBe(1);
    expect(valueOf(families, "secret_broker_policy_decisions_total", { decision: "allowed" })).toBe(0);
    expect(valueOf(families, "secret_broker_audit_records_total")).toBe(7);
    expect(valueOf(families, "secret_broker_audit_batches_total", { outcome: "written" })).toBe(1);
    expect(valueOf(families, "secret_broker_manager_healthy")).toBe(1);
    expect(valueOf(families, "secret_broker_audit_healthy")).toBe(0);
    expect(valueOf(families, "secret_broker_build_info", { version: "1.2.3" })).toBe(1);
    expect(families.has("process_resident_memory_bytes")).toBe(true);
  });

  it("shows connections, and when certificates expire", async () => {
    const families = await scrape(sourcesWith());
    expect(valueOf(families, "secret_broker_connections")).toBe(3);
    const address = { address: "[::1]:443" };
    expect(valueOf(families, "secret_broker_certificate_expiry_timestamp_seconds", address)).toBe(1_900_000_000);
  });

  it("shows the numbers of the moment, however often it is scraped", async () => {
    const sources = sourcesWith();
    const exporter = createPrometheus(sources);
    for (let scrapes = 1; scrapes <= 3; scrapes += 1) {
      sources.calls.forMethod(read).finished(0, 1);
      const families = readExposition(await exporter.render());
      expect(valueOf(families, "secret_broker_grpc_calls_total", { ...readLabels, code: "OK" })).toBe(scrapes);
    }
  });

  it("has no metric of secrets' names unless asked for", async () => {
    const sources = sourcesWith();
    sources.broker.secretRead("OPENAI_API_KEY");
    const text = await createPrometheus(sources).render();
    expect(text).not.toContain("secret_broker_secret_reads_total");
    expect(text).not.toContain("OPENAI_API_KEY");
  });

  it("escapes names that hold quotes, backslashes and line breaks", async () => {
    const broker = new BrokerMetrics({ secretNames: true });
    const names = ['a"b', "c\\d", "e\\nf", "g\nh", "{i=1}, j", "ключ"];
    for (const name of names) broker.secretRead(name);
    const samples = samplesOf(await scrape(sourcesWith({ broker })), "secret_broker_secret_reads_total");
    expect(samples.map(({ labels }) => labels["name"])).toEqual(names);
  });

  it("escapes labels of histograms too", async () => {
    const calls = new CallMetrics(['a"b\\/c\nd']);
    calls.forMethod('a"b\\/c\nd').finished(0, 1);
    const samples = samplesOf(await scrape(sourcesWith({ calls })), "secret_broker_grpc_call_duration_seconds");
    expect(samples[0]?.labels).toMatchObject({ service: 'a"b\\', method: "c\nd" });
  });

  it("leaves the library's global registry alone", () => {
    createPrometheus(sourcesWith());
    createPrometheus(sourcesWith());
    expect(register.getMetricsAsArray()).toEqual([]);
  });
});
