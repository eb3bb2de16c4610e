import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/secret-broker-client.js";
import { findLeaks, plantCanaries } from "../../src/testkit/canary.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { CliProcess, commandLineOf, script, watchingConfig } from "../cli/exec-process.js";

describe("values reach a program or a file, and nothing else", () => {
  const canaries = { first: plantCanaries().text, second: plantCanaries().text, unfit: plantCanaries().json };
  const folder = mkdtempSync(join(tmpdir(), "secret-broker-leak-"));
  const started: CliProcess[] = [];
  const outputs = new Map<string, string>();
  let broker: TestBroker;
  let client: SecretBrokerClient;

  beforeAll(async () => {
    broker = await startBroker({ config: watchingConfig });
    client = new SecretBrokerClient(broker.address);
    await client.writeSecret({ name: "KEY", payload: canaries.first });
    await client.writeSecret({ name: "UNFIT", payload: `${canaries.unfit}\0` });
    await followInProgram();
    await followInFile();
    await refuse();
    outputs.set("audit", readFileSync(broker.auditFile, "utf8"));
  }, 60_000);

  afterAll(async () => {
    for (const each of started) await each.kill();
    client.close();
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(name: string, argv: readonly string[]): CliProcess {
    const [command = "", ...more] = argv;
    const process = new CliProcess([command, "--debug", "--address", broker.address, ...more]);
    started.push(process);
    void process.ended.then(() => outputs.set(name, process.stdout + process.stderr));
    return process;
  }

  function look(name: string, pid = 0): void {
    outputs.set(`${name}: command line`, commandLineOf(pid));
    outputs.set(`${name}: environment`, readFileSync(`/proc/${String(pid)}/environ`, "latin1"));
  }

  async function followInProgram(): Promise<void> {
    const text = `console.log("pid " + process.pid + " " + process.env.KEY.length + "."); setInterval(() => undefined, 1000);`;
    const options = ["--env", "KEY=KEY", "--on-change", "restart", "--stagger", "0"];
    const process = start("exec", ["exec", ...options, "--", ...script(folder, text)]);
    await process.prints("pid ");
    await client.writeSecret({ name: "KEY", payload: canaries.second });
    await process.prints("pid ", 2);
    look("exec", process.child.pid);
    const child = Number(/\d+(?= \d+\.\n$)/u.exec(process.stdout)?.[0]);
    outputs.set("program: command line", commandLineOf(child));
    expect(readFileSync(`/proc/${String(child)}/environ`, "utf8")).toContain(canaries.second);
    process.child.kill("SIGTERM");
    await process.ended;
  }

  async function followInFile(): Promise<void> {
    const [template, out] = [join(folder, "template"), join(folder, "out")];
    writeFileSync(template, '{{ secret "KEY" | json }}');
    const files = ["--template", template, "--out", out, "--watch", "--run", "env"];
    const process = start("render", ["render", ...files]);
    await process.prints("written");
    await client.writeSecret({ name: "KEY", payload: canaries.first });
    await process.prints("written", 2);
    look("render", process.child.pid);
    expect(JSON.parse(readFileSync(out, "utf8"))).toBe(canaries.first);
    process.child.kill("SIGTERM");
    await process.ended;
    outputs.set("files left", readdirSync(folder).join());
  }

  async function refuse(): Promise<void> {
    await start("refused program", ["exec", "--env", "KEY=UNFIT", "--", "true"]).ended;
    const template = join(folder, "unfit");
    writeFileSync(template, '{{ secret "UNFIT" | shell }}');
    await start("refused file", ["render", "--template", template, "--out", join(folder, "none")]).ended;
    await start("failed get", ["get", "UNFIT", "--field", "absent"]).ended;
    expect(existsSync(join(folder, "none"))).toBe(false);
  }

  it.each([
    "exec",
    "exec: command line",
    "exec: environment",
    "program: command line",
    "render",
    "render: command line",
    "render: environment",
    "refused program",
    "refused file",
    "failed get",
    "audit",
  ])("%s holds no canary", (output) => {
    const text = outputs.get(output) ?? "";
    expect(text.length).toBeGreaterThan(5);
    expect(findLeaks(text, canaries)).toEqual([]);
  });

  it("no draft of a file is left", () => {
    expect(outputs.get("files left")).toBe("out,script.mjs,template");
  });
});
