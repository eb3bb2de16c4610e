import { openSecretStore, type SecretStore } from "#built/client/index.js";

// usage: node many-watchers.ts ADDRESS COUNT NAME [together]: so many stores, each with a connection and a watch of its
// own. Says "open" to its parent once all have a value, and each value that all of them have come to have. `together`
// takes away what spreads them.
const [, , address = "", count = "0", name = "", spread] = process.argv;
const random = spread === "together" ? (): number => 1 : undefined;
const maxStalenessMs = 600_000;

process.on("disconnect", () => {
  process.exit(0);
});

const stores: SecretStore[] = [];
// Not all at once: that many would not be answered in the time a store has for its start.
const openAtOnce = 50;
while (stores.length < Number(count)) {
  const length = Math.min(openAtOnce, Number(count) - stores.length);
  const opening = Array.from({ length }, () =>
    openSecretStore({ address, secrets: [name], maxStalenessMs, random, startTimeoutMs: 60_000 }),
  );
  stores.push(...(await Promise.all(opening)));
}
process.send?.("open");

let last = stores[0]?.get(name);
setInterval(() => {
  const [value, ...others] = new Set(stores.map((store) => store.get(name)));
  if (others.length > 0 || value === last) return;
  last = value;
  process.send?.(value);
}, 100);
