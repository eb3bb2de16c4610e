import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import type { BrokerMetrics } from "./broker-metrics.js";
import { registerCache } from "./cache-series.js";
import type { CallMetrics } from "./call-metrics.js";
import { formatHistograms } from "./histogram-text.js";
import { type ListenerGauges, registerListeners } from "./listener-series.js";
import { statusCodeName } from "./status-code-name.js";

/** States that are asked for at every scrape. */
export interface HealthGauges {
  managerHealthy(): boolean;
  auditHealthy(): boolean;
}

/** What the exporter reads. */
export interface PrometheusSources {
  readonly calls: CallMetrics;
  readonly broker: BrokerMetrics;
  readonly gauges: HealthGauges;
  readonly listeners: ListenerGauges;
  /** The broker's version. */
  readonly version: string;
}

/** Renders everything that was counted, for Prometheus. */
export interface PrometheusExporter {
  readonly contentType: string;
  /** The counts of this moment in Prometheus' text format. */
  render(): Promise<string>;
}

/**
 * Creates an exporter over a registry of its own.
 *
 * Nothing is counted here: the numbers are read when the exporter is scraped.
 */
export function createPrometheus(sources: PrometheusSources): PrometheusExporter {
  const registry = new Registry();
  registerCalls(registry, sources.calls);
  registerBroker(registry, sources.broker);
  registerListeners(registry, sources.listeners);
  registerHealth(registry, sources);
  collectDefaultMetrics({ register: registry });
  return {
    contentType: registry.contentType,
    render: async () => `${withSpelledNaN(await registry.metrics())}\n${formatLatencies(sources)}`,
  };
}

/** The library writes "Nan", for the event loop's lag before its first sample, where the format wants "NaN". */
function withSpelledNaN(text: string): string {
  return text.replaceAll(/ Nan$/gm, " NaN");
}

function registerCalls(registry: Registry, calls: CallMetrics): void {
  const labelNames = ["service", "method"] as const;
  new Counter({
    name: "secret_broker_grpc_calls_total",
    help: "Finished calls by their gRPC status.",
    labelNames: [...labelNames, "code"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, count] of callCounts(calls)) this.inc(labels, count);
    },
  });
  new Gauge({
    name: "secret_broker_grpc_calls_in_flight",
    help: "Calls that have begun and not ended.",
    labelNames,
    registers: [registry],
    collect() {
      for (const { service, method, inFlight } of calls.all()) this.set({ service, method }, inFlight);
    },
  });
}

/** `OK` is there from the start, so that the first call already is an increase; other codes appear with their first. */
function callCounts(calls: CallMetrics): [Record<"service" | "method" | "code", string>, number][] {
  return calls.all().flatMap((metrics) =>
    metrics
      .callsByCode()
      .map((count, code) => ({ count, code }))
      .filter(({ count, code }) => count > 0 || code === 0)
      .map(({ count, code }): [Record<"service" | "method" | "code", string>, number] => [
        { service: metrics.service, method: metrics.method, code: statusCodeName(code) },
        count,
      ]),
  );
}

function registerBroker(registry: Registry, broker: BrokerMetrics): void {
  const registers = [registry];
  new Counter({
    name: "secret_broker_manager_calls_total",
    help: "Finished calls of the secret manager by operation and outcome.",
    labelNames: ["operation", "outcome"],
    registers,
    collect() {
      this.reset();
      for (const [operation, { callsByOutcome }] of broker.operations()) {
        for (const [outcome, count] of Object.entries(callsByOutcome)) {
          if (count > 0) this.inc({ operation, outcome }, count);
        }
      }
    },
  });
  new Counter({
    name: "secret_broker_policy_decisions_total",
    help: "Decisions of the access policy.",
    labelNames: ["decision"],
    registers,
    collect() {
      this.reset();
      const { allowed, denied } = broker.decisions();
      this.inc({ decision: "allowed" }, allowed);
      this.inc({ decision: "denied" }, denied);
    },
  });
  registerAudit(registry, broker);
  registerCache(registry, broker);
  if (broker.secretNames) registerSecretReads(registry, broker);
}

function registerAudit(registry: Registry, broker: BrokerMetrics): void {
  new Counter({
    name: "secret_broker_audit_records_total",
    help: "Audit records that were written.",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(broker.audit().records);
    },
  });
  new Counter({
    name: "secret_broker_audit_batches_total",
    help: "Batches of audit records by outcome.",
    labelNames: ["outcome"],
    registers: [registry],
    collect() {
      this.reset();
      const { written, failed } = broker.audit();
      this.inc({ outcome: "written" }, written);
      this.inc({ outcome: "failed" }, failed);
    },
  });
  new Counter({
    name: "secret_broker_audit_losses_total",
    help: "How often something was missing or other than written in the audit trail.",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(broker.audit().losses);
    },
  });
  new Counter({
    name: "secret_broker_audit_missing_records_total",
    help: "Audit records that a sink which is not required did not get.",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(broker.audit().missing);
    },
  });
}

function registerSecretReads(registry: Registry, broker: BrokerMetrics): void {
  new Counter({
    name: "secret_broker_secret_reads_total",
    help: "Reads by secret name, where the configuration asks for names.",
    labelNames: ["name"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [name, count] of broker.secretReads()) this.inc({ name }, count);
    },
  });
}

function registerHealth(registry: Registry, { gauges, version }: PrometheusSources): void {
  const registers = [registry];
  new Gauge({
    name: "secret_broker_manager_healthy",
    help: "Whether the last health check of the secret manager passed.",
    registers,
    collect() {
      this.set(Number(gauges.managerHealthy()));
    },
  });
  new Gauge({
    name: "secret_broker_audit_healthy",
    help: "Whether the last batch of audit records could be written.",
    registers,
    collect() {
      this.set(Number(gauges.auditHealthy()));
    },
  });
  const buildInfo = new Gauge({
    name: "secret_broker_build_info",
    help: "Always 1; the label tells the version of the broker.",
    labelNames: ["version"],
    registers,
  });
  buildInfo.set({ version }, 1);
}

function formatLatencies({ calls, broker }: PrometheusSources): string {
  const callSeries = calls
    .all()
    .filter(({ latency }) => latency.count > 0)
    .map(({ service, method, latency }) => ({ labels: { service, method }, histogram: latency }));
  const managerSeries = Array.from(broker.operations(), ([operation, { latency }]) => ({
    labels: { operation },
    histogram: latency,
  })).filter(({ histogram }) => histogram.count > 0);
  return [
    formatHistograms("secret_broker_grpc_call_duration_seconds", "How long finished calls took.", callSeries),
    formatHistograms("secret_broker_manager_call_duration_seconds", "How long the secret manager took.", managerSeries),
    formatHistograms("secret_broker_audit_batch_duration_seconds", "How long writing a batch of audit records took.", [
      { labels: {}, histogram: broker.auditLatency },
    ]),
  ].join("\n");
}
