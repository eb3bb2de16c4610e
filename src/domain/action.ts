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

/** The actions that a call can want without a name: to list, to watch what begins with a prefix, to administer the broker. */
export const actionsWithoutName: ReadonlySet<Action> = new Set<Action>(["list", "watch", "administer"]);
