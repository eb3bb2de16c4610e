import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import type { AuditConfig } from "../../src/config/audit-config.js";
import { accessModes, logLevels } from "../../src/config/config.js";
import { secretNameProblem } from "../../src/domain/secret-name.js";
import { file, load } from "./config-text.js";

const name = fc
  .stringMatching(/^[A-Za-z0-9_.?:@ -]{1,40}(?:\/[A-Za-z0-9_-]{1,20}){0,2}$/)
  .filter((each) => secretNameProblem(each) === undefined);
const identifier = fc.stringMatching(/^[A-Za-z_]\w{0,20}$/);
const size = (unit: "KiB" | "MiB", min: number, max: number): fc.Arbitrary<readonly [string | number, number]> =>
  fc.tuple(fc.integer({ min, max }), fc.boolean()).map(([count, isPlain]) => {
    const bytes = count * (unit === "KiB" ? 1_024 : 1_048_576);
    return [isPlain ? bytes : `${String(count)}${unit}`, bytes] as const;
  });
const seconds = fc.integer({ min: 1, max: 3_600 }).map((count) => [`${String(count)}s`, count * 1_000] as const);
const tcp = fc
  .integer({ min: 1, max: 65_535 })
  .map((port) => [`127.0.0.1:${String(port)}`, { kind: "tcp", host: "127.0.0.1", port }] as const);
const unix = identifier.map((path) => [`unix:${path}`, { kind: "unix", path: `/etc/broker/${path}` }] as const);

const keyManagement = fc
  .record({
    access_mode: fc.constantFrom(...accessModes),
    hosted_keys: fc.option(fc.array(name, { maxLength: 5 }), { nil: undefined }),
    mayStore: fc.boolean(),
    prefix_for_stored_virtual_keys: name,
    description: fc.option(fc.string({ maxLength: 100 }), { nil: undefined }),
    tags: fc.option(fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), fc.string()), { nil: undefined }),
  })
  // The writer does not quote "<<", which would merge.
  .filter(({ tags }) => tags === undefined || !["__proto__", "<<"].some((key) => Object.hasOwn(tags, key)))
  .map(({ mayStore, ...settings }) => {
    const store_virtual_keys = mayStore && settings.access_mode !== "read_only";
    return [
      { ...settings, store_virtual_keys },
      {
        accessMode: settings.access_mode,
        hostedKeys: settings.hosted_keys,
        storeVirtualKeys: store_virtual_keys,
        virtualKeyPrefix: settings.prefix_for_stored_virtual_keys,
        description: settings.description,
        tags: settings.tags,
      },
    ] as const;
  });

const manager = fc.oneof(
  fc.constant([{ kind: "memory" }, { kind: "memory" }] as const),
  identifier.map(
    (prefix) =>
      [
        { kind: "environment", prefix },
        { kind: "environment", prefix },
      ] as const,
  ),
  fc.tuple(identifier, identifier).map(([stem, name]) => {
    const classPath = `${stem}.${name}`;
    return [
      { kind: "module", class: classPath },
      { kind: "module", classPath, directory: "/etc/broker" },
    ] as const;
  }),
);

function expectedAudit(file: string | undefined): AuditConfig {
  const standard = { required: true, deadlineMs: 2_000 };
  const headPath = `/etc/broker/.secret-broker/${file ?? ""}.head`;
  const rotateBytes = 256 * 1_048_576;
  const kept = { kind: "file", path: `/etc/broker/${file ?? ""}`, headPath, rotateBytes, isIsolated: true } as const;
  return {
    keyPath: "/etc/broker/.secret-broker/audit.key",
    sinks: [file === undefined ? { kind: "stdout", ...standard } : { ...kept, ...standard }],
  };
}

const validConfig = fc
  .record({
    manager,
    keyManagement,
    listen: fc.uniqueArray(fc.oneof(tcp, unix), { minLength: 1, maxLength: 4, selector: ([written]) => written }),
    logLevel: fc.constantFrom(...logLevels),
    auditFile: fc.option(identifier, { nil: undefined }),
    payload: size("MiB", 1, 64),
    metadata: size("KiB", 1, 64),
    streams: fc.integer({ min: 1, max: 100_000 }),
    batch: fc.integer({ min: 1, max: 256 }),
    times: fc.tuple(seconds, seconds, seconds, seconds, seconds),
    secretNames: fc.boolean(),
  })
  .map((made) => {
    const { listen, auditFile, payload, metadata, streams, batch, times, manager: chosen } = made;
    const [deadline, drain, health, heartbeat, poll] = times;
    const audit = auditFile === undefined ? {} : { sink: "file", path: auditFile };
    const secret_broker = {
      manager: chosen[0],
      listen: listen.map(([written]) => written),
      admin: { listen: "off" },
      audit,
      log: { level: made.logLevel },
      limits: {
        max_payload: payload[0],
        max_metadata: metadata[0],
        max_concurrent_streams: streams,
        batch_concurrency: batch,
        max_concurrent_calls: streams,
        max_watches: streams,
        requests_per_second: streams,
        burst: batch,
        per_principal: { requests_per_second: batch, concurrent_calls: streams, concurrent_watches: batch },
        max_connections: streams,
        idle_timeout: heartbeat[0],
      },
      timeouts: {
        default_deadline: deadline[0],
        drain: drain[0],
        health_interval: health[0],
        watch_heartbeat: heartbeat[0],
        watch_poll: poll[0],
      },
      cache: { ttl: deadline[0], max_bytes: payload[0] },
      breaker: { failures: batch, open_for: drain[0] },
      metrics: { secret_names: made.secretNames },
      freezes: { path: "f.json" },
    };
    const expected = {
      manager: chosen[1],
      keyManagement: made.keyManagement[1],
      listen: listen.map(([, address]) => address),
      adminListen: undefined,
      audit: expectedAudit(auditFile),
      logLevel: made.logLevel,
      limits: {
        maxPayloadBytes: payload[1],
        maxMetadataBytes: metadata[1],
        maxConcurrentStreams: streams,
        batchConcurrency: batch,
        maxBatchBytes: 134_217_728,
        maxConcurrentCalls: streams,
        maxWatches: streams,
        rate: { perSecond: streams, burst: batch },
        perPrincipal: { rate: { perSecond: batch, burst: batch }, concurrentCalls: streams, concurrentWatches: batch },
        connections: {
          ...{ maxConnections: streams, idleTimeoutMs: heartbeat[1], handshakeTimeoutMs: 10_000 },
          ...{ keepaliveMs: 60_000, keepaliveTimeoutMs: 20_000 },
        },
      },
      timeouts: {
        defaultDeadlineMs: deadline[1],
        drainMs: drain[1],
        healthIntervalMs: health[1],
        watchHeartbeatMs: heartbeat[1],
        watchPollMs: poll[1],
      },
      cache: {
        ttlMs: deadline[1],
        maxBytes: payload[1],
        ...{ refreshAheadMs: 0, staleWhileRevalidateMs: 0, maxStaleMs: 0, negativeTtlMs: 0, jitter: 0.1, prefetch: [] },
      },
      breaker: { failures: batch, openForMs: drain[1], patienceMs: 1_000, maxPending: undefined },
      metricsSecretNames: made.secretNames,
      freezesPath: "/etc/broker/f.json",
      policies: undefined,
      authentication: undefined,
      policyFiles: [],
      principals: [],
    };
    return [{ general_settings: { key_management_settings: made.keyManagement[0] }, secret_broker }, expected] as const;
  });

describe("parseConfig", () => {
  it("reads every valid configuration as what it says", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(validConfig, fc.boolean(), ([written, expected], inFlow) => {
        const { config } = load(stringify(written, inFlow ? { collectionStyle: "flow" } : {}));
        expect(config).toEqual({ file, ...expected });
      }),
      { numRuns: 500 },
    );
  });
});
