/** The package's doors and where this running copy has them, for classes that live outside any node_modules. */
export const doors: ReadonlyMap<string, URL> = new Map([
  ["secret-broker", new URL("../client/index.js", import.meta.url)],
  ["secret-broker/contract", new URL("../contract/index.js", import.meta.url)],
  ["secret-broker/testkit", new URL("../testkit/index.js", import.meta.url)],
  ["secret-broker/server", new URL("./index.js", import.meta.url)],
]);
