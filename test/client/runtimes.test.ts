import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageFolder } from "./package-folder.js";
import { TestAuthority } from "./certificates.js";

const { directory, broker } = packageFolder("runtimes");

/** Runs a program to its own end; it gets the broker's address. */
async function run(file: string, code: string): Promise<{ output: string; exitCode: number | null }> {
  writeFileSync(join(directory, file), code);
  const child = spawn(process.execPath, [file, broker().address], { cwd: directory });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  await once(child, "close");
  return { output: output.trim(), exitCode: child.exitCode };
}

const readAndPrint = `
  const store = await openSecretStore({ address, secrets: ["A"] });
  console.log(store.get("A"));
`;

describe("the package works from", () => {
  it("CommonJS, by require", async () => {
    const code = `const { openSecretStore } = require("secret-broker");
      const address = process.argv[2];
      (async () => { ${readAndPrint} store.close(); })();`;
    expect(await run("common.cjs", code)).toEqual({ output: "a1", exitCode: 0 });
  });

  it("a worker thread, of either kind", async () => {
    writeFileSync(
      join(directory, "worker.mjs"),
      `import { openSecretStore, SecretBrokerClient } from "secret-broker";
       import { workerData as address } from "node:worker_threads";
       ${readAndPrint} store.close();
       const client = new SecretBrokerClient(address);
       console.log(client.readSecretSync({ name: "A" }).secret.payload);
       client.close();`,
    );
    const code = `import { Worker } from "node:worker_threads";
      new Worker(new URL("./worker.mjs", import.meta.url), { workerData: process.argv[2] });`;
    expect(await run("starter.mjs", code)).toEqual({ output: "a1\na1", exitCode: 0 });
  });
});

describe("a process ends by itself", () => {
  const imports = `import { openSecretStore, SecretBrokerClient } from "secret-broker";
    const address = process.argv[2];`;

  it("when everything was closed, with nothing left open", async () => {
    const code = `${imports} ${readAndPrint}
      const client = new SecretBrokerClient(address);
      client.readSecretSync({ name: "A" });
      await client.readSecret({ name: "A" });
      const watch = client.watchSecrets();
      watch.subscribe({ names: ["A"] });
      for await (const { kind } of watch) if (kind === "synced") break;
      client.close(); store.close();
      await new Promise((resolve) => setTimeout(resolve, 500));
      console.log(process.getActiveResourcesInfo().filter((kind) => !/^(TTY|Pipe)Wrap$/.test(kind)).join());`;
    expect(await run("closed.mjs", code)).toEqual({ output: "a1", exitCode: 0 });
  });

  it("when a store that watches, and a client, were forgotten", async () => {
    const code = `${imports} ${readAndPrint}
      const client = new SecretBrokerClient(address);
      client.readSecretSync({ name: "A" });
      await client.readSecret({ name: "A" });
      // Long enough for the store's stream to be open.
      await new Promise((resolve) => setTimeout(resolve, 500));
      console.log("end");`;
    expect(await run("forgotten.mjs", code)).toEqual({ output: "a1\nend", exitCode: 0 });
  });

  it("but not while it waits for an answer, or iterates over a watch", async () => {
    const code = `${imports}
      const client = new SecretBrokerClient(address);
      const watch = client.watchSecrets();
      watch.subscribe({ names: ["A"] });
      setTimeout(() => watch.unsubscribe({ names: ["A"] }), 100).unref();
      let said = 0;
      for await (const { kind } of watch) { said += 1; if (said === 2) break; }
      console.log(said);
      client.close();`;
    expect(await run("waiting.mjs", code)).toEqual({ output: "2", exitCode: 0 });
  });
});

describe("a synchronous read", () => {
  const imports = `import { SecretBrokerClient } from "secret-broker";
    const tell = (read) => { try { console.log(JSON.stringify(read())); } catch (e) { console.log(e.reason, e.message); } };`;

  it("answers like an asynchronous one, and fails like one", async () => {
    const code = `${imports}
      const client = new SecretBrokerClient(process.argv[2], { token: () => "given", retry: { attempts: 1 } });
      const { servedFrom, secret } = client.readSecretSync({ name: "A" });
      console.log(servedFrom, secret.name, secret.version, secret.payload, secret.createTime instanceof Date);
      tell(() => client.readSecretSync({ name: "B" }));
      tell(() => client.readSecretSync({ name: "A", version: -1 }));
      tell(() => client.readSecretSync({ name: "A" }, { timeoutMs: 0 }));
      tell(() => client.readSecretSync({ name: "A", options: { given: () => "x" } }));
      client.close();
      tell(() => client.readSecretSync({ name: "A" }));`;
    const { output } = await run("sync.mjs", code);
    expect(output.split("\n")).toEqual([
      "manager A 1 a1 true",
      'SECRET_NOT_FOUND secret "B" does not exist',
      "FIELD_INVALID version must be a whole number from 0 to 4294967295",
      "FIELD_INVALID timeout_ms must be above 0 and at most 2147483647",
      "FIELD_INVALID request must be plain values for a synchronous read: a function cannot go to another thread",
      "CALL_CANCELLED the client is closed",
    ]);
  });

  it("has a deadline of its own, and fails at once where nobody listens", async () => {
    const code = `${imports}
      import { createServer } from "node:net";
      import { Worker } from "node:worker_threads";
      const silent = 'const s = require("node:net").createServer(() => {}).listen(0, "127.0.0.1", ' +
        '() => require("node:worker_threads").parentPort.postMessage(s.address().port))';
      const worker = new Worker(silent, { eval: true });
      worker.once("message", (port) => {
        tell(() => new SecretBrokerClient("127.0.0.1:" + port).readSecretSync({ name: "A" }, { timeoutMs: 300 }));
        tell(() => new SecretBrokerClient("unix:/nonexistent").readSecretSync({ name: "A" }));
        process.exit();
      });`;
    const { output } = await run("deadline.mjs", code);
    const [late, absent] = output.split("\n");
    expect(late).toMatch(/^MANAGER_TIMEOUT the broker .*did not answer within 300 ms$/);
    expect(absent).toMatch(/^MANAGER_UNAVAILABLE the broker at "unix:\/nonexistent" could not be reached/);
  });

  it("is refused where it would wait for itself", async () => {
    const code = `${imports}
      import { createServer } from "node:http2";
      for (const path of [0, "own.sock"]) {
        const server = createServer();
        await new Promise((resolve) => server.listen(path, path === 0 ? "127.0.0.1" : resolve, resolve));
        const at = path === 0 ? "127.0.0.1:" + server.address().port : "unix:" + path;
        tell(() => new SecretBrokerClient(at).readSecretSync({ name: "A" }));
        server.close();
      }
      tell(() => new SecretBrokerClient("127.0.0.1:1", { token: async () => "late" }).readSecretSync({ name: "A" }));`;
    const lines = (await run("itself.mjs", code)).output.split("\n");
    expect(lines[0]).toMatch(/^FIELD_INVALID address "127\.0\.0\.1:\d+" is served by this very thread/);
    expect(lines[1]).toMatch(/^FIELD_INVALID address "unix:own\.sock" is served by this very thread/);
    expect(lines[2]).toMatch(/^FIELD_INVALID token must be given at once for a synchronous read/);
  });

  it("is refused too where it would wait for itself by another name of this machine", async () => {
    const code = `${imports}
      import { createServer } from "node:http2";
      import { hostname, networkInterfaces } from "node:os";
      const options = { tls: true, timeoutMs: 500 };
      const own = Object.values(networkInterfaces()).flat().filter(({ family }) => family === "IPv4");
      const at = (host) => tell(() => new SecretBrokerClient(host, options).readSecretSync({ name: "A" }));
      for (const host of ["0.0.0.0", "127.0.0.1"]) {
        const server = createServer();
        await new Promise((resolve) => server.listen(0, host, resolve));
        const { port } = server.address();
        at(hostname() + ":" + port);
        at(own.at(-1).address + ":" + port);
        at("localhost:" + port);
        server.close();
      }`;
    const { output } = await run("names.mjs", code);
    const isRefused = output.split("\n").map((line) => /^FIELD_INVALID .* is served by this very thread/.test(line));
    // What is served to this machine alone is not what its name stands for.
    expect([isRefused[0], isRefused[1], isRefused[2], isRefused[3], isRefused[5]]).toEqual([
      ...[true, true, true],
      ...[false, true],
    ]);
  });

  it("asks for credentials anew each time", async () => {
    const own = new TestAuthority(directory, "own-ca").sign("own", "DNS:own");
    writeFileSync(join(directory, "own.pem"), own.certificate);
    writeFileSync(join(directory, "own.key"), own.key);
    const code = `${imports}
      import { readFileSync } from "node:fs";
      import { Worker } from "node:worker_threads";
      const server = 'const read = (file) => require("node:fs").readFileSync(file);' +
        'const s = require("node:tls").createServer({ cert: read("own.pem"), key: read("own.key") })' +
        '.listen(0, "127.0.0.1", () => require("node:worker_threads").parentPort.postMessage(s.address().port))';
      new Worker(server, { eval: true }).once("message", async (port) => {
        const own = readFileSync("own.pem", "utf8");
        const given = ["no PEM", own, own];
        const failing = () => { throw new Error("not now"); };
        const client = (certificate) => new SecretBrokerClient("127.0.0.1:" + port, {
          tls: { certificate, key: { file: "own.key" } },
          retry: { attempts: 1 },
        });
        const renewing = client(() => given.shift());
        tell(() => renewing.readSecretSync({ name: "A" }, { timeoutMs: 5_000 }));
        // It is used for the next connection, which takes a moment after one that failed.
        try { renewing.readSecretSync({ name: "A" }, { timeoutMs: 500 }); } catch {}
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        tell(() => renewing.readSecretSync({ name: "A" }));
        tell(() => client(failing).readSecretSync({ name: "A" }));
        tell(() => client(async () => "late").readSecretSync({ name: "A" }));
        process.exit();
      });`;
    const { output } = await run("renewed.mjs", code);
    expect(output.split("\n").map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "CREDENTIAL_INVALID tls.ca,",
      "MANAGER_UNAVAILABLE the",
      "CREDENTIAL_MISSING the",
      "FIELD_INVALID tls.certificate",
    ]);
  });
});
