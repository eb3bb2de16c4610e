import type {
  CheckAccessRequest as WireCheck,
  CheckAccessResponse,
  FreezeSecretRequest as WireFreeze,
  FreezeSecretResponse,
  ListConsumersRequest as WireConsumers,
  ListConsumersResponse,
  ReloadConfigurationResponse,
  VerifyAuditRequest as WireVerify,
  VerifyAuditResponse,
} from "../gen/secretbroker/v1/administration_broker.js";
import type { Action } from "../domain/action.js";
import { optionalTimestamp } from "../rpc/time.js";
import { decodeText, decodeTime } from "./decode-secret.js";
import { encodeText, encodeUint32 } from "./encode-field.js";

/** Asks whether a principal may do something. */
export interface CheckAccessRequest {
  readonly principal: string;
  readonly action: Action;
  /** Only `list`, `watch` and `administer` can be asked about without one. */
  readonly name?: string | undefined;
}

/** Whether a principal may do something, and why. */
export interface CheckAccessAnswer {
  readonly allowed: boolean;
  /** The rule that decided. */
  readonly rule: string;
  /** The rule that comes closest to allowing it; undefined when there is none. */
  readonly nearestAllowingRule: string | undefined;
}

/** Asks to verify the audit trail. */
export interface VerifyAuditRequest {
  /** From when on; from the beginning unless given. */
  readonly fromTime?: Date | undefined;
}

/** What the verification found. */
export interface VerifyAuditAnswer {
  /** Whether nothing is wrong. */
  readonly intact: boolean;
  readonly records: number;
  /**
   * The first thing that is wrong. Where nothing is, what the trail cannot tell, such as that its first links are not
   * kept here; undefined when it is whole.
   */
  readonly problem: string | undefined;
}

/** Asks to release a secret to nobody. */
export interface FreezeRequest {
  readonly name: string;
  /** Why, for the audit trail. */
  readonly cause: string;
}

/** The freeze is in force. */
export interface FreezeAnswer {
  /** How many watchers confirmed that they dropped the value. */
  readonly acknowledgedCaches: number;
  /** How many were told and have not confirmed. */
  readonly pendingCaches: number;
}

/** Asks for a page of live consumers. */
export interface ListConsumersRequest {
  /** Only consumers of this secret. */
  readonly name?: string | undefined;
  /** 1 to 1,000; 100 unless given. */
  readonly pageSize?: number | undefined;
  readonly pageToken?: string | undefined;
}

/** A page of live consumers. */
export interface ListConsumersAnswer {
  readonly consumers: readonly ConsumerAnswer[];
  /** What to ask the next page with; undefined on the last. */
  readonly nextPageToken: string | undefined;
}

/** One watcher that is connected now. */
export interface ConsumerAnswer {
  readonly principal: string;
  readonly peer: string;
  readonly connectTime: Date | undefined;
  /** Secret name → the version it has acknowledged. */
  readonly acknowledgedVersions: ReadonlyMap<string, number>;
}

/** A question about rights for the wire. @throws SecretError `FIELD_INVALID` */
export function encodeCheckAccess({ principal, action, name = "" }: CheckAccessRequest): WireCheck {
  return { principal: encodeText("principal", principal), action, name: encodeText("name", name) };
}

/** The answer to a question about rights. */
export function decodeCheckAccess({ allowed, rule, nearestAllowingRule }: CheckAccessResponse): CheckAccessAnswer {
  return { allowed, rule, nearestAllowingRule: decodeText(nearestAllowingRule) };
}

/** A verification for the wire. */
export function encodeVerifyAudit({ fromTime }: VerifyAuditRequest): WireVerify {
  return { fromTime: optionalTimestamp(fromTime) };
}

/** What a verification found. */
export function decodeVerifyAudit({ intact, records, problem }: VerifyAuditResponse): VerifyAuditAnswer {
  return { intact, records: Number(records), problem: decodeText(problem) };
}

/** The settings that need a restart. */
export function decodeReload({ needsRestart }: ReloadConfigurationResponse): readonly string[] {
  return needsRestart;
}

/** A freeze for the wire. @throws SecretError `FIELD_INVALID` */
export function encodeFreeze({ name, cause }: FreezeRequest): WireFreeze {
  return { name: encodeText("name", name), cause: encodeText("cause", cause) };
}

/** What became of a freeze. */
export function decodeFreeze({ acknowledgedCaches, pendingCaches }: FreezeSecretResponse): FreezeAnswer {
  return { acknowledgedCaches, pendingCaches };
}

/** A query of consumers for the wire. @throws SecretError `FIELD_INVALID` */
export function encodeListConsumers(request: ListConsumersRequest): WireConsumers {
  return {
    name: encodeText("name", request.name ?? ""),
    pageSize: encodeUint32("page_size", request.pageSize ?? 0),
    pageToken: encodeText("page_token", request.pageToken ?? ""),
  };
}

/** A page of consumers from the wire. */
export function decodeListConsumers({ consumers, nextPageToken }: ListConsumersResponse): ListConsumersAnswer {
  return {
    consumers: consumers.map(({ principal, peer, connectTime, acknowledgedVersions }) => ({
      principal,
      peer,
      connectTime: decodeTime(connectTime),
      acknowledgedVersions,
    })),
    nextPageToken: decodeText(nextPageToken),
  };
}
