/** Commands of the documents that are too slow to be executed here, each proved by a line of `.ci/run`. */
export const provedByCi = ["npm ci", "npm test"] as const;

/** Commands that are not executed at all, with the reason. */
export const notExecuted: ReadonlyMap<RegExp, string> = new Map([
  [/^docker /u, "needs a container engine; scripts/prove-dockerfile.mjs does what the Dockerfile says without one"],
  [/^npm install \.\.\/secret-broker$/u, "the reader links the package itself, as npm does for a folder"],
]);
