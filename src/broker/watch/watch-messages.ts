import type { Secret } from "../../domain/secret.js";
import type { SecretName } from "../../domain/secret-name.js";
import type { ClaimedVersion } from "./held-secrets.js";

/** What a watcher asks for. */
export interface Subscription {
  readonly names: readonly SecretName[];
  readonly prefixes: readonly string[];
  /** What it has from before. */
  readonly known: ReadonlyMap<SecretName, ClaimedVersion>;
  /** Only what changed since is asked for; 0n asks for everything. */
  readonly resumeRevision: bigint;
}

/** How much is watched. */
export interface WatchSize {
  readonly names: number;
  readonly prefixes: number;
}

/** A version that a watcher says it uses. */
export interface UsedVersion {
  readonly name: SecretName;
  /** 0 when it has dropped what it had. */
  readonly version: number;
}

/** A version that a watcher says it cannot use. */
export interface RefusedVersion extends UsedVersion {
  /** The status code it gave. */
  readonly code: number;
}

/** What a watcher is told. Revisions are 0n where the manager keeps none. */
export type WatchMessage =
  | { readonly kind: "initial"; readonly secrets: readonly Secret[] }
  | { readonly kind: "change"; readonly secret: Secret; readonly revision: bigint }
  | {
      readonly kind: "removal";
      readonly name: SecretName;
      /** Undefined when it is not known, or the watcher may no longer know. */
      readonly uid: string | undefined;
      readonly revision: bigint;
    }
  | { readonly kind: "synced"; readonly revision: bigint; readonly pollIntervalMs: number | undefined }
  | { readonly kind: "heartbeat"; readonly revision: bigint; readonly currentAtMs: number };
