import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { type RunningBroker, startBrokerProcess } from "secret-broker/server";

/** What a broker's configuration has beside what every subject's has. */
export interface SubjectConfig {
  readonly general_settings?: object;
  readonly secret_broker: object;
}

/**
 * Serves as a broker is shipped: metrics and health, audit to a file, guard.
 * @param files what lies beside the configuration, by path
 */
export async function serveConfig(
  { general_settings, secret_broker }: SubjectConfig,
  files: Readonly<Record<string, object>> = {},
): Promise<RunningBroker> {
  const directory = mkdtempSync(join(tmpdir(), "secret-broker-bench-"));
  process.on("exit", () => {
    rmSync(directory, { recursive: true, force: true });
  });
  const common = {
    listen: ["127.0.0.1:0"],
    admin: { listen: "127.0.0.1:0" },
    audit: { sink: "file", path: ".secret-broker/audit.jsonl" },
    log: { level: "info" },
  };
  const config = { general_settings, secret_broker: { ...common, ...secret_broker } };
  for (const [path, content] of Object.entries({ ...files, "config.yaml": config })) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    // JSON is YAML. What holds tokens must be its owner's.
    writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  }
  return await startBrokerProcess({
    configFile: join(directory, "config.yaml"),
    listen: [],
    detailedDebug: false,
    stderr: new PassThrough().resume(),
  });
}
