import type { Administration } from "../broker/administration.js";
import type { BoundOptions } from "../broker/bound-options.js";
import { Broker } from "../broker/broker.js";
import type { BrokerSettings } from "../broker/broker-settings.js";
import type { BrokerStatus } from "../broker/broker-status.js";
import { FollowedCache } from "../broker/cache/followed-cache.js";
import { assertPrefetchable } from "../broker/cache/prefetch.js";
import { Enforcement } from "../broker/enforcement.js";
import { Freezes } from "../broker/freezes.js";
import { GuardedManager } from "../broker/guarded-manager.js";
import { HealthMonitor } from "../broker/health-monitor.js";
import { ManagerBreaker } from "../broker/manager-breaker.js";
import { RefusedCalls } from "../broker/refused-calls.js";
import { VirtualKeys } from "../broker/virtual-keys.js";
import { SecretWatches } from "../broker/watch/secret-watches.js";
import { reloadedConfig } from "../config/compare-configs.js";
import type { Config } from "../config/config.js";
import type { Capability } from "../domain/capability.js";
import type { SecretManager } from "../contract/secret-manager.js";
import { type IdentityMethods, stillKnows } from "../identity/caller-identity.js";
import { KeySources } from "../identity/jwks-sources.js";
import { explainAccess } from "../policy/explain-access.js";
import type { Policy } from "../policy/policy.js";
import type { AdjustableLog } from "../log/create-log.js";
import { CallLimits, type CallLimitSettings } from "../server/call-limits.js";
import { GrpcServer } from "../server/grpc-server.js";
import { Interceptor } from "../server/interceptor.js";
import { methodNames } from "../server/services.js";
import { BrokerMetrics } from "../telemetry/broker-metrics.js";
import { CallMetrics } from "../telemetry/call-metrics.js";
import { createTracing } from "../telemetry/tracing.js";
import { AuditTrail } from "./audit-trail.js";
import { type BrokerParts, statusOf } from "./broker-parts.js";
import { brokerSettings, grantSettings } from "./broker-settings.js";
import { identityMethods, keyEvents } from "./identity-methods.js";
import { callLimitSettings } from "./call-limit-settings.js";
import { buildAdministration } from "./build-administration.js";
import { closeManager } from "./close-manager.js";
import { createFreezeFile } from "./freeze-file.js";
import { openListener } from "./open-listener.js";
import { openManager } from "./open-manager.js";

/** Room for the rest of a message beside its payload, and for batches of names. */
const minReceiveMessageBytes = 4 * 1024 * 1024;

/** Everything that runs, put together from one configuration. */
export class BrokerApp {
  /** Where it listens, as a client dials it. */
  addresses: readonly string[] = [];
  /** Where metrics and health are, as a client dials it; undefined when switched off. */
  adminAddress: string | undefined;
  readonly #log: AdjustableLog;
  readonly #calls = new CallMetrics(methodNames);
  readonly #interceptor: Interceptor;
  readonly #refused = new RefusedCalls();
  readonly #freezes: Freezes;
  #config: Config;
  #settings: BrokerSettings;
  #limits: CallLimitSettings;
  readonly #keySources: KeySources;
  #identity: IdentityMethods;
  #parts: BrokerParts | undefined;
  readonly #startTime = new Date();
  #configurationTime = new Date();
  #reload: (() => Promise<readonly string[]>) | undefined;

  constructor(config: Config, log: AdjustableLog) {
    this.#config = config;
    this.#freezes = new Freezes(createFreezeFile(config.freezesPath));
    this.#settings = brokerSettings(config, this.#freezes.byName);
    this.#limits = callLimitSettings(config);
    this.#keySources = new KeySources(keyEvents(log, () => this.#endUnknown()));
    this.#identity = identityMethods(config, this.#keySources);
    this.#log = log;
    this.#interceptor = new Interceptor({
      log,
      calls: this.#calls,
      limits: new CallLimits(() => this.#limits),
      refused: this.#refused,
      tracing: createTracing(),
      defaultDeadlineMs: () => this.#config.timeouts.defaultDeadlineMs,
      maxMetadataBytes: config.limits.maxMetadataBytes,
    });
  }

  /** The configuration in force. */
  get config(): Config {
    return this.#config;
  }

  /** What the manager is called; empty before the start. */
  get managerName(): string {
    return this.#parts?.manager.name ?? "";
  }

  /** What the manager can do; empty before the start. */
  get capabilities(): ReadonlySet<Capability> {
    return this.#parts?.manager.capabilities ?? new Set();
  }

  /**
   * Opens the manager and the audit trail, then listens. What was opened is closed again when a later step fails.
   * @throws SecretError `CONFIG_INVALID`
   */
  async start(): Promise<this> {
    await this.#freezes.load();
    const manager = await openManager(this.#config.manager, {
      log: this.#log,
      maxPayloadBytes: this.#config.limits.maxPayloadBytes,
      maxStaleMs: () => this.#config.cache.maxStaleMs,
    });
    try {
      this.#parts = await this.#build(manager);
      await this.#parts.health.start();
      this.#reportHealth();
      this.#keySources.open();
      await this.#listen(this.#parts);
    } catch (error) {
      this.#keySources.close();
      await (this.#parts === undefined ? closeManager(manager, this.#log) : this.stop());
      throw error;
    }
    return this;
  }

  /** Gives administration the way to read the configuration again. */
  reloadWith(reload: () => Promise<readonly string[]>): void {
    this.#reload = reload;
  }

  /**
   * Puts another configuration in force, without dropping a call, as far as that goes without a restart.
   * @throws SecretError `CONFIG_INVALID` when it does not go with the manager; then nothing has changed
   */
  apply(config: Config): void {
    const next = reloadedConfig(this.#config, config);
    const settings = brokerSettings(next, this.#freezes.byName);
    if (this.#parts !== undefined) assertPrefetchable(this.#parts.manager, settings.cache);
    this.#config = next;
    this.#settings = settings;
    this.#limits = callLimitSettings(this.#config);
    this.#identity = identityMethods(this.#config, this.#keySources);
    this.#endUnknown();
    this.#configurationTime = new Date();
    this.#log.setLevel(this.#config.logLevel);
    this.#parts?.watches.recheck();
    this.#parts?.followed.adjust();
    this.#reportHealth();
  }

  /** Lets calls finish within the configured time, then closes everything, the audit trail last. */
  async stop(): Promise<void> {
    const parts = this.#parts;
    if (parts === undefined) return;
    this.#parts = undefined;
    parts.health.stop();
    for (const watch of parts.tls) watch.close();
    // They would hold up the stop for ever.
    parts.watches.close();
    // Nor is there time to wait for issuers; tokens that are known stay so.
    this.#keySources.close();
    await parts.server.stop(this.#config.timeouts.drainMs);
    parts.followed.close();
    await parts.admin?.close();
    await closeManager(parts.manager, this.#log);
    await parts.audit.close();
  }

  async #build(opened: SecretManager): Promise<BrokerParts> {
    const metrics = new BrokerMetrics({ secretNames: this.#config.metricsSecretNames });
    const settings = (): BrokerSettings => this.#settings;
    const maxPayloadBytes = (): number => this.#settings.maxPayloadBytes;
    const boundOptions = (): BoundOptions => this.#settings.boundOptions;
    const breaker = new ManagerBreaker({ settings: () => this.#settings.breaker, counts: metrics.breaker });
    const manager = new GuardedManager(opened, { log: this.#log, metrics, maxPayloadBytes, boundOptions, breaker });
    assertPrefetchable(manager, this.#settings.cache);
    const audit = await this.#openAudit(metrics);
    const { log: auditLog, payloadHashes } = audit;
    const policy = (): Policy => this.#settings.policy;
    const enforcement = new Enforcement({ audit: auditLog, metrics, policy, payloadHashes });
    const watches = new SecretWatches({ manager, enforcement, log: this.#log, settings: () => this.#settings.watch });
    const cacheParts = { manager, counts: metrics.cache, settings: () => this.#settings.cache };
    const followed = new FollowedCache({ ...cacheParts, watches, log: this.#log });
    const { cache } = followed;
    const broker = new Broker({ manager, cache, enforcement, metrics, watches, settings });
    const administration = buildAdministration({
      enforcement,
      watches,
      cache,
      manager,
      freezes: this.#freezes,
      explain: (request) => explainAccess(this.#settings.policy, grantSettings(this.#config), request),
      status: () => this.#status(),
      reload: () => this.#reload,
      verifyAudit: (from) => audit.verify(from),
    });
    const server = this.#createServer(broker, administration);
    const health = new HealthMonitor({
      manager,
      log: this.#log,
      intervalMs: () => this.#config.timeouts.healthIntervalMs,
      onChange: () => {
        this.#reportHealth();
      },
    });
    return { manager, audit, server, health, metrics, watches, followed, tls: [], admin: undefined };
  }

  async #openAudit(metrics: BrokerMetrics): Promise<AuditTrail> {
    return await AuditTrail.open(this.#config.audit, {
      log: this.#log,
      onBatch: (...batch) => metrics.auditBatch(...batch),
      onHealth: () => {
        this.#reportHealth();
      },
      onLoss: () => metrics.auditLoss(),
      onMissing: (records) => metrics.auditMissing(records),
      callsUnderWay: () => this.#interceptor.callsUnderWay,
      refused: this.#refused,
    });
  }

  #createServer(broker: Broker, administration: Administration): GrpcServer {
    const { limits } = this.#config;
    const settings = (): BrokerSettings => this.#settings;
    return new GrpcServer({
      broker,
      virtualKeys: new VirtualKeys(broker, settings),
      administration,
      settings,
      interceptor: this.#interceptor,
      maxReceiveMessageBytes: Math.max(minReceiveMessageBytes, limits.maxPayloadBytes * 2),
      maxConcurrentStreams: limits.maxConcurrentStreams,
      connections: limits.connections,
      log: this.#log,
    });
  }

  async #listen({ server, tls: watches }: BrokerParts): Promise<void> {
    const addresses: string[] = [];
    for (const each of this.#config.listen) {
      const { address, tls } = await openListener(each, {
        server,
        identity: () => this.#identity,
        log: this.#log,
        onTrustChange: () => this.#endUnknown(),
      });
      addresses.push(address);
      if (tls !== undefined) watches.push(tls);
    }
    this.addresses = addresses;
    await this.#startAdmin();
  }

  /** Ends the watches of those who would not be known any more. */
  #endUnknown(): void {
    this.#parts?.watches.endWhere((caller) => !stillKnows(this.#identity, caller));
  }

  async #startAdmin(): Promise<void> {
    const { adminListen } = this.#config;
    const parts = this.#parts;
    if (adminListen === undefined || parts === undefined) return;
    const { openAdmin } = await import("./open-admin.js");
    parts.admin = await openAdmin(adminListen, {
      calls: this.#calls,
      broker: parts.metrics,
      listeners: { connections: () => parts.server.connections, certificates: () => parts.tls },
      isManagerHealthy: () => parts.health.healthy,
      isAuditHealthy: () => parts.audit.log.healthy,
    });
    this.adminAddress = parts.admin.address;
  }

  #status(): BrokerStatus {
    const facts = {
      startTime: this.#startTime,
      configurationTime: this.#configurationTime,
      frozenNames: [...this.#freezes.byName.keys()].sort(),
    };
    return { ...statusOf(this.#parts, this.#config.manager.kind), ...facts };
  }

  #reportHealth(): void {
    const parts = this.#parts;
    parts?.server.setServing(parts.health.healthy && parts.audit.log.healthy);
  }
}
