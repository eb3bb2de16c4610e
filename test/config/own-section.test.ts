import { describe, expect, it } from "vitest";
import type { Config } from "../../src/config/config.js";
import { configOf, placesOf, problemsOf, withMemory } from "./config-text.js";

const defaults: Omit<Config, "file" | "manager" | "keyManagement"> = {
  listen: [{ kind: "tcp", host: "127.0.0.1", port: 50_051 }],
  adminListen: { kind: "tcp", host: "127.0.0.1", port: 50_052 },
  audit: {
    keyPath: "/etc/broker/.secret-broker/audit.key",
    sinks: [{ kind: "stdout", required: true, deadlineMs: 2_000 }],
  },
  logLevel: "info",
  limits: {
    maxPayloadBytes: 1_048_576,
    maxMetadataBytes: 16_384,
    maxConcurrentStreams: 1_000,
    batchConcurrency: 16,
    maxBatchBytes: 134_217_728,
    maxConcurrentCalls: 20_000,
    maxWatches: 10_000,
    rate: undefined,
    perPrincipal: { rate: undefined, concurrentCalls: undefined, concurrentWatches: undefined },
    connections: {
      maxConnections: 10_000,
      handshakeTimeoutMs: 10_000,
      idleTimeoutMs: 900_000,
      keepaliveMs: 60_000,
      keepaliveTimeoutMs: 20_000,
    },
  },
  timeouts: {
    defaultDeadlineMs: 10_000,
    drainMs: 30_000,
    healthIntervalMs: 10_000,
    watchHeartbeatMs: 10_000,
    watchPollMs: 5_000,
  },
  cache: {
    ttlMs: 0,
    refreshAheadMs: 0,
    staleWhileRevalidateMs: 0,
    maxStaleMs: 0,
    negativeTtlMs: 0,
    maxBytes: 67_108_864,
    jitter: 0.1,
    prefetch: [],
    snapshot: undefined,
  },
  breaker: undefined,
  metricsSecretNames: false,
  policies: undefined,
  authentication: undefined,
  policyFiles: [],
  principals: [],
  freezesPath: "/etc/broker/.secret-broker/freezes.json",
};

const sections = ["listen", "admin", "audit", "log", "limits", "timeouts", "metrics"];

/** What a setting with a unit takes, with what that means, and what it does not take. */
interface Amounts {
  readonly setting: string;
  readonly taken: Readonly<Record<string, number>>;
  readonly refused: readonly string[];
}

describe("secret_broker", () => {
  it.each([
    ["nothing but the manager", ""],
    ["every section empty", sections.map((section) => `  ${section}:\n`).join("")],
    ["every section null", sections.map((section) => `  ${section}: ~\n`).join("")],
    [
      "every setting null",
      "  admin: { listen: }\n  audit: { sink: , path: }\n  log: { level: ~ }\n  metrics: { secret_names: null }\n  limits: { max_payload: , max_metadata: , max_concurrent_streams: , batch_concurrency: }\n  timeouts: { default_deadline: , drain: , health_interval: }\n",
    ],
  ])("with %s has the defaults", (_case, text) => {
    expect(configOf(withMemory(text))).toMatchObject(defaults);
  });

  it("can set everything", () => {
    const text = withMemory(`  listen: [127.0.0.1:0, "unix:run/b.sock"]
  admin: { listen: "off" }
  audit: { sink: file, path: ../audit.jsonl }
  log: { level: trace }
  limits:
    max_payload: 2MiB
    max_metadata: 65536
    max_concurrent_streams: 1
    batch_concurrency: 256
    max_batch_payload: 3MiB
    max_concurrent_calls: 5
    max_watches: 6
    requests_per_second: 0.5
    per_principal: { requests_per_second: 7, burst: 8, concurrent_calls: 9, concurrent_watches: 10 }
  timeouts: { default_deadline: 1.5s, drain: 0s, health_interval: 1 m }
  metrics: { secret_names: true }
`);
    expect(configOf(text)).toMatchObject({
      listen: [
        { kind: "tcp", host: "127.0.0.1", port: 0 },
        { kind: "unix", path: "/etc/broker/run/b.sock" },
      ],
      adminListen: undefined,
      audit: { sinks: [{ kind: "file", path: "/etc/audit.jsonl" }] },
      logLevel: "trace",
      limits: {
        maxPayloadBytes: 2_097_152,
        maxMetadataBytes: 65_536,
        maxConcurrentStreams: 1,
        batchConcurrency: 256,
        maxBatchBytes: 3_145_728,
        maxConcurrentCalls: 5,
        maxWatches: 6,
        rate: { perSecond: 0.5, burst: 1 },
        perPrincipal: { rate: { perSecond: 7, burst: 8 }, concurrentCalls: 9, concurrentWatches: 10 },
      },
      timeouts: { defaultDeadlineMs: 1_500, drainMs: 0, healthIntervalMs: 60_000 },
      metricsSecretNames: true,
    });
  });

  it.each(sections)("%s must not be a number", (section) => {
    expect(placesOf(withMemory(`  ${section}: 7\n`))).toEqual([
      `3:${String(section.length + 5)} secret_broker.${section}`,
    ]);
  });

  it.each([
    ["audt: {}", "3:3 secret_broker.audt", "audit"],
    ["Listen: x", "3:3 secret_broker.Listen", "listen"],
    ["lsiten: x", "3:3 secret_broker.lsiten", "listen"],
    ["admin: { listn: x }", "3:12 secret_broker.admin.listn", "listen"],
    ["audit: { pth: x }", "3:12 secret_broker.audit.pth", "path"],
    ["log: { lvel: info }", "3:10 secret_broker.log.lvel", "level"],
    ["limits: { max_payloads: 1MiB }", "3:13 secret_broker.limits.max_payloads", "max_payload"],
    ["limits: { max-payload: 1MiB }", "3:13 secret_broker.limits.max-payload", "max_payload"],
    ["timeouts: { drian: 1s }", "3:15 secret_broker.timeouts.drian", "drain"],
    ["metrics: { secretNames: true }", "3:14 secret_broker.metrics.secretNames", "secret_names"],
  ])("%s is refused, with what was meant", (text, at, meant) => {
    expect(placesOf(withMemory(`  ${text}\n`))).toEqual([at]);
    expect(problemsOf(withMemory(`  ${text}\n`))[0]?.message).toContain(`did you mean "${meant}"?`);
  });

  it("refuses a key that is like none of its own, with those it has", () => {
    expect(problemsOf(withMemory("  colours: []\n"))[0]?.message).toMatch(/unknown.*listen/u);
    expect(problemsOf(withMemory("  limits: { colour: 3 }\n"))[0]?.message).toMatch(/unknown.*max_payload/u);
  });

  it.each([
    ["{ burst: 3 }", "3:20 secret_broker.limits.burst"],
    ["{ per_principal: { burst: 3 } }", "3:37 secret_broker.limits.per_principal.burst"],
  ])("limits %s is refused, as a burst is one of a rate", (limits, at) => {
    expect(placesOf(withMemory(`  limits: ${limits}\n`))).toEqual([at]);
    expect(problemsOf(withMemory(`  limits: ${limits}\n`))[0]?.message).toContain("requests_per_second");
  });

  it.each([
    ["{ sink: file }", "3:10 secret_broker.audit.path", "is missing"],
    ["{ path: a }", "3:18 secret_broker.audit.path", "sink: file"],
    ["{ sink: stdout, path: a }", "3:32 secret_broker.audit.path", "sink: file"],
    ['{ sink: file, path: "" }', "3:30 secret_broker.audit.path", ""],
    ['{ sink: file, path: "a\\0b" }', "3:30 secret_broker.audit.path", "zero"],
    ["{ sink: syslog }", "3:18 secret_broker.audit.sink", '"stdout", "file"'],
    ["{ sink: stdout, sinks: [{ kind: stdout }] }", "3:18 secret_broker.audit.sink", "entry of the list"],
    ["{ head: h, sinks: [{ kind: stdout }] }", "3:18 secret_broker.audit.head", "entry of the list"],
    ["{ sinks: [] }", "3:19 secret_broker.audit.sinks", "at least 1"],
    ["{ sinks: [{ kind: stdout, required: false }] }", "3:19 secret_broker.audit.sinks", "required"],
    ["{ sinks: [{ kind: stdout }, { kind: stdout }] }", "3:38 secret_broker.audit.sinks[1]", "already"],
    ["{ sinks: [{ kind: file, path: a/x }, { kind: file, path: b/x }] }", "3:47 secret_broker.audit.sinks[1]", "name"],
    ["{ sinks: [{ kind: file }] }", "3:20 secret_broker.audit.sinks[0].path", "is missing"],
    [
      "{ sinks: [{ kind: stdout, path: a }] }",
      "3:36 secret_broker.audit.sinks[0].path",
      "does not belong to this kind",
    ],
    ["{ sinks: [{ kind: syslog, address: '10.0.0.1:514' }] }", "3:45 secret_broker.audit.sinks[0].address", "loopback"],
    ["{ sinks: [{ kind: postgres }] }", "3:20 secret_broker.audit.sinks[0].url_environment", "is missing"],
    [
      "{ sinks: [{ kind: postgres, url_file: url }, { kind: postgres, url_file: url, deadline: 1s }] }",
      "3:55 secret_broker.audit.sinks[1]",
      "stands in the list already",
    ],
    ["{ sinks: [{ kind: kafka }] }", "3:28 secret_broker.audit.sinks[0].kind", '"postgres"'],
  ])("audit %s is refused", (audit, at, text) => {
    expect(placesOf(withMemory(`  audit: ${audit}\n`))).toEqual([at]);
    expect(problemsOf(withMemory(`  audit: ${audit}\n`))[0]?.message).toContain(text);
  });

  it("has files written by another thread where a deadline can be given, unless told otherwise", () => {
    const isolation = (audit: string): unknown[] =>
      configOf(withMemory(`  audit: ${audit}\n`)).audit.sinks.map((sink) => "isIsolated" in sink && sink.isIsolated);
    expect(isolation("{ sink: file, path: a }")).toEqual([true]);
    expect(isolation("{ sink: file, path: a, isolated: false }")).toEqual([false]);
    expect(isolation("{ sinks: [{ kind: file, path: a }, { kind: file, path: b, isolated: false }] }")).toEqual([
      true,
      false,
    ]);
  });

  it("sends audit records to several places", () => {
    const sinks = `
      - { kind: file, path: a/audit.jsonl, rotate_size: 1MiB }
      - { kind: syslog, address: "unix:/dev/log", required: false, deadline: 100ms }
      - { kind: postgres, url_environment: AUDIT_URL, trail: here }
`;
    expect(configOf(withMemory(`  audit:\n    sinks:${sinks}`)).audit).toEqual({
      keyPath: "/etc/broker/.secret-broker/audit.key",
      sinks: [
        {
          ...{ kind: "file", path: "/etc/broker/a/audit.jsonl", rotateBytes: 1_048_576, isIsolated: true },
          headPath: "/etc/broker/.secret-broker/audit.jsonl.head",
          ...{ required: true, deadlineMs: 2_000 },
        },
        { kind: "syslog", address: { kind: "unix", path: "/dev/log" }, required: false, deadlineMs: 100 },
        {
          ...{ kind: "postgres", url: { variable: "AUDIT_URL" }, schema: "secret_broker", trail: "here", suffix: "" },
          headPath: expect.stringMatching(
            /^\/etc\/broker\/\.secret-broker\/secret_broker\.audit_line-[0-9a-f]{12}\.head$/u,
          ) as string,
          ...{ required: true, deadlineMs: 2_000 },
        },
      ],
    });
  });

  it.each<Amounts>([
    {
      setting: "max_payload",
      taken: { "1B": 1, "64MiB": 67_108_864 },
      refused: ["0B", "65MiB", "1.5", "-1", "1KB", "'1e3'", ".inf", "0x10000000"],
    },
    {
      setting: "max_batch_payload",
      taken: { "1MiB": 1_048_576, "192MiB": 201_326_592 },
      refused: ["1023KiB", "193MiB", "-1", "[1]"],
    },
    {
      setting: "max_metadata",
      taken: { "1KiB": 1_024, "65536": 65_536 },
      refused: ["1023", "64.001KiB", "[1]", "1GiB", "true"],
    },
  ])("limits.$setting takes its bounds and nothing beyond", ({ setting, taken, refused }) => {
    for (const [given, bytes] of Object.entries(taken)) {
      expect(Object.values(configOf(withMemory(`  limits: { ${setting}: ${given} }\n`)).limits)).toContain(bytes);
    }
    for (const given of refused) {
      const text = withMemory(`  limits: { ${setting}: ${given} }\n`);
      expect(placesOf(text)).toEqual([`3:${String(setting.length + 15)} secret_broker.limits.${setting}`]);
    }
  });

  it("wants a batch to have room for any one secret", () => {
    const text = (payload: string): string =>
      withMemory(`  limits: { max_batch_payload: 2MiB, max_payload: ${payload} }\n`);
    expect(configOf(text("2MiB")).limits).toMatchObject({ maxBatchBytes: 2_097_152 });
    expect(placesOf(text("3MiB"))).toEqual(["3:32 secret_broker.limits.max_batch_payload"]);
  });

  it.each([
    ["max_concurrent_streams", 1, 100_000],
    ["batch_concurrency", 1, 256],
  ] as const)("limits.%s takes whole numbers from %d to %d", (setting, least, most) => {
    const text = (given: string | number): string => withMemory(`  limits: { ${setting}: ${String(given)} }\n`);
    for (const given of [least, most]) expect(Object.values(configOf(text(given)).limits)).toContain(given);
    for (const given of [least - 1, most + 1, 1.5, ".nan", ".inf", "-.inf", "1e300", '"7"', "[7]"]) {
      expect(placesOf(text(given))).toEqual([`3:${String(setting.length + 15)} secret_broker.limits.${setting}`]);
    }
  });

  it.each<Amounts>([
    { setting: "default_deadline", taken: { "100ms": 100, "1h": 3_600_000 }, refused: ["99ms", "3601s"] },
    { setting: "drain", taken: { "0s": 0, "60m": 3_600_000 }, refused: ["61m", "-1s"] },
    { setting: "health_interval", taken: { "0.1s": 100, "1h": 3_600_000 }, refused: ["0s", "2h"] },
  ])("timeouts.$setting takes its bounds and nothing beyond", ({ setting, taken, refused }) => {
    for (const [given, ms] of Object.entries(taken)) {
      expect(Object.values(configOf(withMemory(`  timeouts: { ${setting}: ${given} }\n`)).timeouts)).toContain(ms);
    }
    for (const given of [...refused, "30", "1d", "soon", "1 s s", "''", "0.0001s", "true", "[1s]"]) {
      const text = withMemory(`  timeouts: { ${setting}: ${given} }\n`);
      expect(placesOf(text)).toEqual([`3:${String(setting.length + 17)} secret_broker.timeouts.${setting}`]);
      expect(problemsOf(text)[0]?.message).toContain("duration");
    }
  });

  it.each([
    ["{ max_stale: 5m }", "3:23 secret_broker.cache.max_stale", '"ttl"'],
    ["{ negative_ttl: 1s }", "3:26 secret_broker.cache.negative_ttl", '"ttl"'],
    ["{ ttl: 5s, refresh_ahead: 5s }", "3:36 secret_broker.cache.refresh_ahead", "shorter"],
    ["{ ttl: 5s, max_stale: 4s }", "3:32 secret_broker.cache.max_stale", "at least"],
    ["{ ttl: 5s, stale_while_revalidate: 5s, max_stale: 9s }", "3:60 secret_broker.cache.max_stale", "at least"],
    ["{ ttl: 25h }", "3:17 secret_broker.cache.ttl", "24h"],
    ["{ ttl: 1s, negative_ttl: 2m }", "3:35 secret_broker.cache.negative_ttl", "1m"],
    ["{ jitter: 1 }", "3:20 secret_broker.cache.jitter", "0.5"],
  ])("cache %s is refused", (cache, at, text) => {
    expect(placesOf(withMemory(`  cache: ${cache}\n`))).toEqual([at]);
    expect(problemsOf(withMemory(`  cache: ${cache}\n`))[0]?.message).toContain(text);
  });

  it("spares a manager that fails once it is told to", () => {
    const standard = { failures: 5, openForMs: 10_000, patienceMs: 1_000, maxPending: undefined };
    expect(configOf(withMemory("  breaker: {}\n")).breaker).toEqual(standard);
    expect(configOf(withMemory("  breaker: { failures: 1, max_pending: 7 }\n")).breaker).toEqual({
      ...standard,
      failures: 1,
      maxPending: 7,
    });
  });

  it.each(["warning", "INFO", "3"])("log.level %s is refused with the levels there are", (level) => {
    expect(problemsOf(withMemory(`  log: { level: ${level} }\n`))[0]?.message).toContain('"error", "warn", "info"');
  });
});

describe("the top of the file", () => {
  it.each([
    ["secret_brokr", "secret_broker"],
    ["secretbroker", "secret_broker"],
    ["Secret-Broker", "secret_broker"],
    ["general_setings", "general_settings"],
    ["generalSettings", "general_settings"],
  ])("refuses %s, which looks like %s", (key, meant) => {
    expect(placesOf(withMemory(`${key}: {}\n`))).toEqual([`3:1 ${key}`]);
    expect(problemsOf(withMemory(`${key}: {}\n`))[0]?.message).toContain(`did you mean "${meant}"?`);
  });

  it.each([
    ["key_management_sytem", "key_management_system"],
    ["key_management_setting", "key_management_settings"],
    ["keyManagementSettings", "key_management_settings"],
  ])("refuses general_settings.%s, which looks like %s", (key, meant) => {
    const text = withMemory(`general_settings:\n  ${key}: {}\n`);
    expect(placesOf(text)).toEqual([`4:3 general_settings.${key}`]);
    expect(problemsOf(text)[0]?.message).toContain(`did you mean "${meant}"?`);
  });

  it("leaves LiteLLM's own keys alone", () => {
    const text = withMemory(
      "model_list: [{ model_name: m }]\nlitellm_settings: { drop_params: true }\nrouter_settings:\nenvironment_variables: {}\ngeneral_settings: { master_key: x, database_url: os.environ/DB }\n",
    );
    expect(placesOf(text)).toEqual([]);
  });

  it.each(["7", "text", "[a]"])("%s is no mapping", (value) => {
    expect(placesOf(value)).toEqual(["1:1"]);
    expect(placesOf(withMemory(`general_settings: ${value}\n`))).toEqual(["3:19 general_settings"]);
    expect(placesOf(`secret_broker: ${value}\n`)).toEqual(["1:16 secret_broker"]);
  });
});
