import { AssertionError } from "node:assert";
import { randomBytes } from "node:crypto";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { ListenAddress } from "../../config/config.js";
import type { SecretManager } from "../../contract/secret-manager.js";
import { shownCapabilities } from "../../contract/shown-capabilities.js";
import { type Capability, capabilities as allCapabilities } from "../../domain/capability.js";
import { isSecretError } from "../../domain/secret-error.js";
import { DialledSource, targetOf } from "../../managers/remote/dialled-source.js";
import { openRemoteManager } from "../../managers/remote/manager-pool.js";
import { managerLaws } from "../manager-laws.js";
import type { ManagerSubject } from "../manager-subject.js";
import { type FaultStage, patienceMs } from "./fault-check.js";
import { faultChecks } from "./fault-checks.js";
import { learnSemantics, type ManagerSemantics } from "./manager-semantics.js";
import { Relay } from "./relay.js";
import { Scope, scopedManager, sweepScope } from "./scoped-manager.js";

/** What became of one check. */
export interface CheckResult {
  readonly kind: "law" | "fault";
  readonly name: string;
  readonly outcome: "held" | "broken" | "not_applicable";
  /** What was wrong, or what it would have needed. */
  readonly detail?: string | undefined;
}

/** What a manager can do, how it does it, and what it does not. */
export interface VerifyReport {
  readonly name: string;
  readonly capabilities: readonly Capability[];
  /** What the broker does itself, or refuses, for the lack of a capability. */
  readonly lacking: readonly Capability[];
  readonly semantics: ManagerSemantics;
  readonly checks: readonly CheckResult[];
  readonly held: number;
  readonly broken: number;
  readonly notApplicable: number;
  /** How many of the names that were written could not be removed again. */
  readonly left: number;
}

/** How a manager is verified. */
export interface VerifyOptions {
  /** Where it listens. */
  readonly address: ListenAddress;
  /** Is told of each check as it ends. */
  readonly onCheck?: ((result: CheckResult) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Holds a manager to every law and to every fault, over the wire. It may hold secrets already: everything that is written
 * has names of its own, which are removed again.
 * @throws SecretError when it cannot be reached, or its handshake is wrong
 */
export async function verifyManager(options: VerifyOptions): Promise<VerifyReport> {
  const verification = new Verification(options);
  return await verification.run();
}

/** What names begin with; odd in length, so that a name that is cut ends within a segment. */
const scopePrefix = (session: string, number: number): string =>
  `verify-${session}-${number.toString(36).padStart(3, "0")}-`;

/** Each has names of its own, so that several can be tried at once. */
const lawsAtOnce = 6;

class Verification {
  readonly #options: VerifyOptions;
  readonly #session = randomBytes(5).toString("hex").slice(0, 5);
  readonly #scopes: Scope[] = [];
  readonly #checks: CheckResult[] = [];

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  async run(): Promise<VerifyReport> {
    const manager = await this.#connect(this.#options.address);
    try {
      const capabilities = shownCapabilities(manager);
      const semantics = await learnSemantics(scopedManager(manager, this.#newScope()), new Set(capabilities));
      await this.#holdToLaws(capabilities, semantics);
      await this.#injectFaults(new Set(capabilities));
      const sweeps = this.#scopes.map((scope) => sweepScope(manager, scope, new Set(capabilities)));
      const left = (await Promise.all(sweeps)).reduce((sum, each) => sum + each, 0);
      const { managerName: name = "" } = manager;
      const lacking = allCapabilities.filter((capability) => !capabilities.includes(capability));
      return { name, capabilities, lacking, semantics, checks: this.#checks, ...this.#counts(), left };
    } finally {
      await manager.close?.();
    }
  }

  async #holdToLaws(capabilities: readonly Capability[], { payloads }: ManagerSemantics): Promise<void> {
    if (!capabilities.includes("write")) {
      this.#leaveOut({ kind: "law", name: "all laws", detail: "needs write" });
      return;
    }
    const subject: ManagerSubject = {
      open: async () => scopedManager(await this.#connect(this.#options.address), this.#newScope()),
      capabilities,
      ...(payloads === "text" && { payloads }),
    };
    const laws = [...managerLaws(subject)];
    const results: CheckResult[] = [];
    const work = async (): Promise<void> => {
      for (let next = laws.shift(); next !== undefined; next = laws.shift()) {
        const place = results.length;
        results.push({ kind: "law", name: next.name, outcome: "not_applicable" });
        results[place] = await this.#check({ kind: "law", name: next.name }, next.run);
      }
    };
    await Promise.all(Array.from({ length: lawsAtOnce }, work));
    this.#checks.push(...results);
  }

  async #injectFaults(capabilities: ReadonlySet<Capability>): Promise<void> {
    for (const { name, needs, check } of faultChecks) {
      const missing = needs.filter((capability) => !capabilities.has(capability));
      if (missing.length > 0) {
        this.#leaveOut({ kind: "fault", name, detail: `needs ${missing.join(", ")}` });
      } else {
        this.#checks.push(await this.#check({ kind: "fault", name }, () => this.#onStage(capabilities, check)));
      }
    }
  }

  async #onStage(capabilities: ReadonlySet<Capability>, check: (stage: FaultStage) => Promise<void>): Promise<void> {
    const { address } = this.#options;
    const relay = await Relay.open(address.kind === "unix" ? { path: address.path } : address);
    const scope = this.#newScope();
    const reconnect = async (): Promise<SecretManager> =>
      scopedManager(await this.#connect({ kind: "unix", path: relay.path }), scope);
    try {
      const manager = await reconnect();
      try {
        await check({ manager, capabilities, relay, reconnect, sendRaw: (...sent) => sendRaw(address, sent) });
      } finally {
        await manager.close?.();
      }
    } finally {
      await relay.close();
    }
  }

  async #check(what: Pick<CheckResult, "kind" | "name">, run: () => Promise<void>): Promise<CheckResult> {
    this.#options.signal?.throwIfAborted();
    let result: CheckResult = { ...what, outcome: "held" };
    try {
      await run();
    } catch (thrown) {
      result = { ...what, outcome: "broken", detail: describe(thrown) };
    }
    this.#options.onCheck?.(result);
    return result;
  }

  #leaveOut(result: Omit<CheckResult, "outcome">): void {
    this.#checks.push({ ...result, outcome: "not_applicable" });
  }

  #counts(): Pick<VerifyReport, "held" | "broken" | "notApplicable"> {
    const count = (outcome: CheckResult["outcome"]): number =>
      this.#checks.filter((check) => check.outcome === outcome).length;
    return { held: count("held"), broken: count("broken"), notApplicable: count("not_applicable") };
  }

  #newScope(): Scope {
    const scope = new Scope(scopePrefix(this.#session, this.#scopes.length));
    this.#scopes.push(scope);
    return scope;
  }

  async #connect(address: ListenAddress): Promise<SecretManager> {
    const quiet = (): void => undefined;
    return await openRemoteManager([new DialledSource(address, undefined)], {
      connection: { brokerVersion: "verify", maxReceiveBytes: 8 * 1024 * 1024, onNote: quiet },
      events: { onUp: quiet, onDown: quiet },
      startTimeoutMs: 10_000,
    });
  }
}

/** What was wrong, in one line; what a law says is about its own values. */
function describe(thrown: unknown): string {
  if (thrown instanceof AssertionError) return thrown.message.replaceAll(/\s+/gu, " ").slice(0, 300);
  return isSecretError(thrown) ? `ended with ${thrown.reason}` : "ended with an unexpected failure";
}

async function sendRaw(address: ListenAddress, [path, request]: readonly [string, Uint8Array]): Promise<number> {
  const client = new Client(targetOf(address), credentials.createInsecure());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const deadline = Date.now() + patienceMs / 2;
  try {
    return await new Promise<number>((resolve) => {
      const body = Buffer.from(request);
      client.makeUnaryRequest(path, asIs, asIs, body, new Metadata(), { deadline }, (error) => {
        resolve(error?.code ?? 0);
      });
    });
  } finally {
    client.close();
  }
}
