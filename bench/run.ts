import { parseArgs } from "node:util";
import { printReport, type BenchReport } from "./report.ts";
import { client } from "./client.ts";
import { disk } from "./disk.ts";
import { policy } from "./policy.ts";
import { read } from "./read.ts";
import { readTls } from "./read-tls.ts";
import { scale } from "./scale.ts";
import { sidecar } from "./sidecar.ts";
import { store } from "./store.ts";
import { watch } from "./watch.ts";

// usage: npm run bench -- NAME [--rounds N] [--keep]; read takes --tls
const benches: Readonly<Record<string, (rounds: number) => Promise<BenchReport>>> = {
  client,
  policy,
  read,
  store,
  disk,
  scale,
  watch,
  sidecar,
};
const minRounds = 5;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "7" },
    keep: { type: "boolean", default: false },
    tls: { type: "boolean", default: false },
  },
});
const [name = ""] = positionals;
const bench = name === "read" && values.tls ? readTls : benches[name];
if (bench === undefined) {
  console.error(
    `usage: npm run bench -- NAME [--rounds N] [--keep]; NAME is one of ${Object.keys(benches).join(", ")}`,
  );
  process.exitCode = 2;
} else {
  printReport(await bench(Math.max(minRounds, Number(values.rounds))), values.keep);
}
