import type { SecretManager } from "../../contract/secret-manager.js";
import type { Capability } from "../../domain/capability.js";
import { callFor, reasonOf, write } from "./fault-check.js";

/** How a manager does what its capabilities leave open. */
export interface ManagerSemantics {
  /** Which kinds of payload it keeps; unknown where it cannot write. */
  readonly payloads: "text" | "text_and_bytes" | "unknown";
  /** What becomes of a deleted secret. */
  readonly deletion: "restorable" | "final" | "unknown";
  /** Whether a watch can go on where another one ended. */
  readonly watches: "resume" | "begin_anew" | "unknown";
  /** Whether writes answer with the number of the version. */
  readonly versionNumbers: "told" | "not_told" | "unknown";
}

/** Finds out by trying. @param manager in a scope of its own */
export async function learnSemantics(
  manager: SecretManager,
  capabilities: ReadonlySet<Capability>,
): Promise<ManagerSemantics> {
  if (!capabilities.has("write")) {
    return { payloads: "unknown", deletion: "unknown", watches: "unknown", versionNumbers: "unknown" };
  }
  const version = await write(manager, "SEMANTICS", ["value"]);
  const bytes = await reasonOf(write(manager, "BYTES", [Uint8Array.of(0xff, 0)]));
  return {
    payloads: bytes === "CAPABILITY_UNSUPPORTED" || bytes === "FIELD_INVALID" ? "text" : "text_and_bytes",
    deletion: capabilities.has("delete") ? await deletionOf(manager) : "unknown",
    watches: capabilities.has("watch") ? await watchesOf(manager) : "unknown",
    versionNumbers: version === undefined ? "not_told" : "told",
  };
}

async function deletionOf(manager: SecretManager): Promise<ManagerSemantics["deletion"]> {
  await write(manager, "DELETED", ["value"]);
  const reply = await manager.deleteSecret?.("DELETED", { recoveryWindowInDays: 7 }, callFor());
  return typeof reply === "object" && reply.restorableUntil !== undefined ? "restorable" : "final";
}

async function watchesOf(manager: SecretManager): Promise<ManagerSemantics["watches"]> {
  const leaving = new AbortController();
  const timeout = setTimeout(() => {
    leaving.abort(new Error("nothing was told"));
  }, 10_000);
  try {
    for await (const { kind, revision } of manager.watchSecrets?.(0n, callFor({ signal: leaving.signal })) ?? []) {
      if (kind === "synced") return revision > 0n ? "resume" : "begin_anew";
    }
    return "unknown";
  } finally {
    clearTimeout(timeout);
    leaving.abort(new Error("told"));
  }
}
