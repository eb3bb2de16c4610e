/** What policy grants; every RPC needs one of these for each name it touches. */
export const actions = [
  "read",
  "list",
  "describe",
  "write",
  "activate",
  "delete",
  "restore",
  "destroy",
  "rotate",
  "watch",
  "administer",
] as const;

/** One of {@link actions}. */
export type Action = (typeof actions)[number];
