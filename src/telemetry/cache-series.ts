import { Counter, Gauge, type Registry } from "prom-client";
import type { BrokerMetrics } from "./broker-metrics.js";

/** Registers what the cache counts, and the breaker in front of the manager. */
export function registerCache(registry: Registry, { cache, breaker }: BrokerMetrics): void {
  const registers = [registry];
  new Counter({
    name: "secret_broker_cache_reads_total",
    help: "Reads by what the cache did for them.",
    labelNames: ["result"],
    registers,
    collect() {
      this.reset();
      this.inc({ result: "hit" }, cache.hits);
      this.inc({ result: "stale" }, cache.stale);
      this.inc({ result: "miss" }, cache.misses);
      this.inc({ result: "joined" }, cache.joined);
      this.inc({ result: "too_old" }, cache.tooOld);
    },
  });
  counter(
    registry,
    ["secret_broker_cache_refreshes_total", "Questions to the manager in the background."],
    () => cache.refreshes,
  );
  counter(
    registry,
    ["secret_broker_cache_evictions_total", "Answers that had to make room for others."],
    () => cache.evictions,
  );
  gauge(registry, ["secret_broker_cache_entries", "Answers that are kept."], () => cache.entries);
  gauge(registry, ["secret_broker_cache_bytes", "What is kept, in bytes."], () => cache.bytes);
  gauge(registry, ["secret_broker_breaker_open", "Whether the manager is spared."], () => Number(breaker.isOpen));
  counter(
    registry,
    ["secret_broker_breaker_refusals_total", "Questions the manager was spared."],
    () => breaker.refused,
  );
}

type Series = readonly [name: string, help: string];

function counter(registry: Registry, [name, help]: Series, count: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(count());
    },
  });
}

function gauge(registry: Registry, [name, help]: Series, value: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(value());
    },
  });
}
