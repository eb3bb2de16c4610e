/** What a manager can do beyond reading. The names are sent in `CAPABILITY_UNSUPPORTED` and in status reports. */
export const capabilities = [
  "write",
  "delete",
  "rotate",
  "list",
  "describe",
  "versions",
  "preconditions",
  "idempotency",
  "expiry",
  "grace_period",
  "activate",
  "restore",
  "destroy",
  "watch",
  "atomic_batch",
] as const;

/** One of {@link capabilities}. */
export type Capability = (typeof capabilities)[number];

/** What no manager provides: machinery of the broker that is switched off or not there. */
export const brokerCapabilities = ["store_virtual_keys", "audit_verification"] as const;

/** One of {@link brokerCapabilities}. */
export type BrokerCapability = (typeof brokerCapabilities)[number];
