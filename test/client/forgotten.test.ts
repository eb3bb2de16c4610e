import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { packageFolder } from "./package-folder.js";

const { directory, broker } = packageFolder("forgotten");
/** Less than any call, or any attempt to connect, may take. */
const soonMs = 5_000;

/** What stands before a broker, and accepts connections without a word once it is silent. */
interface Relay {
  readonly address: string;
  silence(): void;
}

async function startRelay(): Promise<Relay> {
  const sockets = new Set<Socket>();
  let isSilent = false;
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    if (isSilent) return;
    const onward = connect(Number(broker().address.split(":").at(-1)), "127.0.0.1").on("error", () => undefined);
    sockets.add(onward);
    socket.pipe(onward).pipe(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const end = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  onTestFinished(() => {
    server.close();
    end();
  });
  const bound = server.address();
  return {
    address: `127.0.0.1:${String(typeof bound === "object" ? bound?.port : 0)}`,
    silence: () => {
      isSilent = true;
      end();
    },
  };
}

interface Program {
  /** What it has printed. */
  readonly output: () => string;
  /** How long after its last word it ended, in milliseconds. */
  readonly ended: Promise<number>;
}

/** Runs a program that is given a broker's address, and should come to its own end. */
function start(file: string, code: string, address: string): Program {
  const imports = `import { openSecretStore, SecretBrokerClient } from "secret-broker";
    const address = process.argv[2].split(",");`;
  writeFileSync(join(directory, file), imports + code);
  const child = spawn(process.execPath, [file, address], { cwd: directory });
  let output = "";
  let saidAtMs = performance.now();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      saidAtMs = performance.now();
    });
  }
  const ended = once(child, "close").then(() => performance.now() - saidAtMs);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return { output: () => output.trim(), ended };
}

const watch = (options: string): string => `
  const client = new SecretBrokerClient(address, ${options});
  const watch = client.watchSecrets({ keepsProcessAlive: false });
  watch.subscribe({ names: ["A"] });
  void (async () => { for await (const event of watch) console.log(event.kind); })();
  await new Promise((resolve) => setTimeout(resolve, 500));
  console.log("end");`;

describe("a forgotten watch lets the process end", { timeout: 30_000 }, () => {
  it.each([
    ["while a broker accepts and says nothing", "{}", 1],
    ["while one of several does", "{}", 2],
    ["while the handshake of TLS does not end", "{ tls: true }", 1],
    ["while its token is not there", "{ token: () => new Promise(() => undefined) }", 1],
  ])("%s", async (_when, options, brokers) => {
    const relays = await Promise.all(Array.from({ length: brokers }, startRelay));
    for (const relay of relays) relay.silence();
    const file = `watch-${String(Math.random())}.mjs`;
    const program = start(file, watch(options), relays.map(({ address }) => address).join(","));
    expect(await program.ended).toBeLessThan(soonMs);
    expect(program.output()).toBe("end");
  });

  it("but one that is to keep it alive does, until the broker is given up", async () => {
    const relay = await startRelay();
    relay.silence();
    const code = `
      const client = new SecretBrokerClient(address);
      const watch = client.watchSecrets();
      watch.subscribe({ names: ["A"] });
      void watch[Symbol.asyncIterator]().next().catch(({ reason }) => console.log(reason));`;
    const program = start("alive.mjs", code, relay.address);
    expect(await program.ended).toBeLessThan(soonMs);
    expect(program.output()).toBe("MANAGER_UNAVAILABLE");
  });
});

describe("a forgotten store lets the process end", { timeout: 30_000 }, () => {
  it("while its broker accepts and says nothing", async () => {
    const relay = await startRelay();
    const code = `
      const store = await openSecretStore({ address, secrets: ["A"], random: () => 0 });
      console.log(store.get("A"));
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      console.log("end");`;
    const program = start("store.mjs", code, relay.address);
    await expect.poll(program.output, { timeout: 10_000 }).toBe("a1");
    relay.silence();
    expect(await program.ended).toBeLessThan(soonMs);
    expect(program.output()).toBe("a1\nend");
  });

  it("while its token is not there", async () => {
    const code = `
      let asked = 0;
      const token = () => (asked++ === 0 ? "given" : new Promise(() => undefined));
      const store = await openSecretStore({ address, secrets: ["A"], token });
      await new Promise((resolve) => setTimeout(resolve, 500));
      console.log("end");`;
    const program = start("token.mjs", code, broker().address);
    expect(await program.ended).toBeLessThan(soonMs);
    expect(program.output()).toBe("end");
  });
});
