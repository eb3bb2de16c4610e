import { existsSync, readdirSync } from "node:fs";
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { SecretManager } from "../../../src/contract/secret-manager.js";
import { isSecretError } from "../../../src/domain/secret-error.js";
import { folderWith, hostCommand, type Lines, openProcess, processesWith } from "./process-manager.js";
import { callOf, refusalOf } from "./scripted-manager.js";

const sqlite = "secret_broker: { manager: { kind: sqlite, path: secrets.db }, encryption: { kind: file, path: k } }\n";
const memory = "secret_broker: { manager: { kind: memory } }\n";

async function valueOf(manager: SecretManager, name: string): Promise<unknown> {
  const reply = await manager.readSecret(name, callOf());
  return typeof reply === "object" && "value" in reply ? reply.value : reply;
}

describe("a process that is a manager", () => {
  it("gets only the variables that are named, its address, and ends with the broker", { timeout: 60_000 }, async () => {
    const folder = await folderWith({
      "run.sh": '#!/bin/sh\nenv > seen.env\necho "$@" > seen.args\nexec "$@"\n',
      "m.yaml": memory,
    });
    await chmod(join(folder, "run.sh"), 0o755);
    const secret = "SECRET_BROKER_TEST_UNNAMED";
    process.env[secret] = "not for children";
    const command = ["./run.sh", ...hostCommand("m.yaml"), "--listen", "{address}"];
    const manager = await openProcess({ command, directory: folder });
    const seen = await readFile(join(folder, "seen.env"), "utf8");
    const names = seen.split("\n").map((line) => line.split("=")[0]);
    expect(names).toEqual(expect.arrayContaining(["PATH", "SECRET_BROKER_MANAGER_ADDRESS"]));
    expect(names).not.toContain(secret);
    expect(names).not.toContain("HOME");
    const [, socket = ""] = /--listen unix:(\S+)/.exec(await readFile(join(folder, "seen.args"), "utf8")) ?? [];
    expect(seen).toContain(`SECRET_BROKER_MANAGER_ADDRESS=unix:${socket}`);
    expect(existsSync(socket)).toBe(true);
    await manager.close?.();
    expect(processesWith(socket)).toEqual([]);
    expect(existsSync(join(socket, ".."))).toBe(false);
  });

  it(
    "that is killed again and again in the middle of writes loses none that was acknowledged",
    { timeout: 120_000 },
    async () => {
      const folder = await folderWith({ "m.yaml": sqlite });
      const manager = await openProcess({ command: hostCommand(join(folder, "m.yaml")), directory: folder });
      const kept = new Map<string, string>();
      const reasons = new Set<string>();
      for (let round = 0; round < 6; round += 1) {
        const writing = Array.from({ length: 8 }, async (_, index) => {
          const name = `W${String(index)}`;
          for (let turn = 0; ; turn += 1) {
            const value = `${name} ${String(round)} ${String(turn)};`.repeat(300);
            try {
              await manager.writeSecret?.(name, value, {}, callOf());
              kept.set(name, value);
            } catch (thrown) {
              if (isSecretError(thrown)) reasons.add(thrown.reason);
              // What was sent last may be there too.
              kept.set(`${name} pending`, value);
              return;
            }
          }
        });
        await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 150));
        for (const id of processesWith(join(folder, "m.yaml"))) process.kill(id, "SIGKILL");
        await Promise.all(writing);
        await expect.poll(() => manager.checkHealth?.(callOf()), { timeout: 30_000, interval: 50 }).toBe(true);
        for (let index = 0; index < 8; index += 1) {
          const name = `W${String(index)}`;
          const there = await valueOf(manager, name);
          expect([kept.get(name), kept.get(`${name} pending`)]).toContain(there);
          // In a round that acknowledges nothing it is still what must be there, whichever of the two it is.
          if (typeof there === "string") kept.set(name, there);
        }
      }
      expect([...reasons]).toEqual(["MANAGER_UNAVAILABLE"]);
    },
  );

  it(
    "that hangs is told from one that is slow, and its calls end at their deadlines",
    { timeout: 60_000 },
    async () => {
      const folder = await folderWith({ "m.yaml": memory });
      const manager = await openProcess({ command: hostCommand(join(folder, "m.yaml")), directory: folder });
      const [id = 0] = processesWith(join(folder, "m.yaml"));
      process.kill(id, "SIGSTOP");
      const late = manager.readSecret("NAME", callOf({ deadline: new Date(Date.now() + 300) })) as Promise<unknown>;
      expect((await refusalOf(late)).reason).toBe("MANAGER_TIMEOUT");
      process.kill(id, "SIGCONT");
      expect(await manager.readSecret("NAME", callOf())).toBeUndefined();
      process.kill(id, "SIGSTOP");
      // It takes no notice of a closed input or of a request to end.
      await manager.close?.();
      expect(processesWith(join(folder, "m.yaml"))).toEqual([]);
    },
  );

  it("takes whatever it has started with it", { timeout: 60_000 }, async () => {
    const folder = await folderWith({ "run.sh": '#!/bin/sh\nsleep 987654 &\nexec "$@"\n', "m.yaml": memory });
    await chmod(join(folder, "run.sh"), 0o755);
    const manager = await openProcess({ command: ["./run.sh", ...hostCommand("m.yaml")], directory: folder });
    expect(processesWith("sleep 987654")).toHaveLength(1);
    await manager.close?.();
    await expect.poll(() => processesWith("sleep 987654"), { timeout: 10_000 }).toEqual([]);
  });

  it("runs several times, and one that ends is missed by nobody", { timeout: 60_000 }, async () => {
    const folder = await folderWith({
      "m.yaml": sqlite.replace("sqlite, path: secrets.db", "memory").replace(/, encr.*\} \}/, " }"),
    });
    const manager = await openProcess({
      command: hostCommand(join(folder, "m.yaml")),
      directory: folder,
      instances: 2,
    });
    const ids = processesWith(join(folder, "m.yaml"));
    expect(ids).toHaveLength(2);
    process.kill(ids[0] ?? 0, "SIGKILL");
    await expect.poll(() => processesWith(join(folder, "m.yaml")).includes(ids[0] ?? 0)).toBe(false);
    await expect
      .poll(async () => (await refusalOf(manager.readSecret("NAME", callOf()) as Promise<unknown>)).reason)
      .toBe("none");
    await expect.poll(() => processesWith(join(folder, "m.yaml")).length, { timeout: 20_000 }).toBe(2);
  });

  it("has its lines logged, scrubbed and bounded", { timeout: 60_000 }, async () => {
    const script = `#!/bin/sh\ni=0; while [ $i -lt 2000 ]; do echo "password=hunter2hunter2hunter2 line" >&2; i=$((i+1)); done\nexec "$@"\n`;
    const folder = await folderWith({ "run.sh": script, "m.yaml": memory });
    await chmod(join(folder, "run.sh"), 0o755);
    const lines: Lines = [];
    await openProcess({ command: ["./run.sh", ...hostCommand("m.yaml")], directory: folder }, lines);
    const written = lines.filter((line) => line.startsWith("the manager's process writes"));
    expect(written.length).toBeGreaterThan(10);
    expect(written.length).toBeLessThanOrEqual(200);
    expect(lines.join("\n")).not.toContain("hunter2");
  });
});

describe("a process that is no manager", () => {
  const starting = { startTimeoutMs: 1_500 };

  it.each([
    ["is not there", ["no-such-program"], "CONFIG_INVALID", '"no-such-program"'],
    ["may not be executed", ["./m.yaml"], "CONFIG_INVALID", '"./m.yaml"'],
    ["ends at once", ["sh", "-c", "exit 7"], "MANAGER_UNAVAILABLE", "exit code 7"],
    ["does not listen", ["sh", "-c", "exec cat"], "CONFIG_INVALID", "within 1.5 seconds"],
    [
      "says that it is not ready",
      ["sh", "-c", `echo '{"secret_broker_host": {"ready": false, "reason": "NO_VAULT", "detail": "secret"}}'; exit 3`],
      "CONFIG_INVALID",
      "NO_VAULT",
    ],
  ])("and %s refuses the start and says why", async (_title, ...[command, reason, text]) => {
    const directory = await folderWith({ "m.yaml": memory });
    const refusal = await refusalOf(openProcess({ command, directory, ...starting }));
    expect(refusal.reason).toBe(reason);
    expect(refusal.message).toContain(text);
    expect(refusal.message).not.toContain("detail");
  });
});

describe("a process that ends a hundred times", () => {
  it("costs no descriptor, no folder and no process", { timeout: 180_000 }, async () => {
    const { ProcessSource } = await import("../../../src/managers/remote/process/process-source.js");
    const { explainNothing, quietSurroundings } = await import("./quiet-process.js");
    const folder = await folderWith({});
    const source = new ProcessSource({
      name: "flapping",
      command: ["sh", "-c", `: > "$1"; exec cat`, "flapping-process", "{address}"],
      directory: folder,
      environment: {},
      path: process.env["PATH"],
      surroundings: quietSurroundings,
      explain: explainNothing,
    });
    const open = (): number => readdirSync("/proc/self/fd").length;
    let before = 0;
    for (let round = 0; round < 105; round += 1) {
      // The script's file is not at the address without its scheme, so the time runs out.
      await source.open(AbortSignal.timeout(5)).catch(() => undefined);
      source.discard();
      await source.ended;
      if (round === 4) before = open();
    }
    await source.close();
    expect(open()).toBeLessThanOrEqual(before);
    expect(processesWith("flapping-process")).toEqual([]);
  });
});
