import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/secret-broker-client.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { CliProcess, script, watchingConfig } from "./exec-process.js";
import { run, type RunResult } from "./run-in-process.js";

const canary = "canary-0c9d7f31";
let broker: TestBroker;
let client: SecretBrokerClient;
let folder: string;
let started: CliProcess[] = [];

beforeAll(async () => {
  broker = await startBroker({ config: watchingConfig });
  client = new SecretBrokerClient(broker.address);
});
afterAll(async () => {
  client.close();
  await broker.stop();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "render-"));
});
afterEach(async () => {
  for (const each of started) await each.kill();
  started = [];
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, text?: string | Uint8Array): string {
  const path = join(folder, name);
  if (text !== undefined) writeFileSync(path, text);
  return path;
}

function argvOf(template: string, out: string, ...more: string[]): string[] {
  return ["render", "--address", broker.address, "--template", template, "--out", out, ...more];
}

function render(template: string, out: string, ...more: string[]): Promise<RunResult> {
  return run(argvOf(template, out, ...more));
}

function start(argv: readonly string[]): CliProcess {
  const process = new CliProcess(argv);
  started.push(process);
  return process;
}

function drafts(): string[] {
  return readdirSync(folder).filter((name) => name.includes(".draft-"));
}

describe("render", () => {
  it("writes values byte for byte, for their owner alone, and says no value", async () => {
    await client.writeSecret({ name: "TEXT", payload: `${canary}\r\n` });
    await client.writeSecret({ name: "BYTES", payload: Uint8Array.of(0, 255, 10) });
    const template = file("t", '{{ secret "TEXT" }}|{{ secret "BYTES" }}|{{ secret "TEXT" | json }}\n');
    const { code, stdout, stderr } = await render(template, file("out"));
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `written ${file("out")}\n`, stderr: "" });
    const content = Buffer.concat([
      Buffer.from(`${canary}\r\n|`),
      Buffer.of(0, 255, 10),
      Buffer.from(`|"${canary}\\r\\n"\n`),
    ]);
    expect(readFileSync(file("out"))).toEqual(content);
    expect(statSync(file("out")).mode & 0o7777).toBe(0o600);
    expect(drafts()).toEqual([]);
  });

  it("does not write what is there already, and runs nothing then", async () => {
    await client.writeSecret({ name: "SAME", payload: "value" });
    const template = file("t", '{{ secret "SAME" }}');
    const more = ["--run", `echo ran >> ${file("runs")}`];
    expect(await render(template, file("out"), ...more)).toMatchObject({ code: 0 });
    const before = statSync(file("out"));
    expect(await render(template, file("out"), ...more)).toMatchObject({ code: 0, stdout: `same ${file("out")}\n` });
    expect(statSync(file("out"))).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
    expect(readFileSync(file("runs"), "utf8")).toBe("ran\n");
    chmodSync(file("out"), 0o644);
    expect(await render(template, file("out"), ...more)).toMatchObject({ code: 0, stdout: `same ${file("out")}\n` });
    expect(statSync(file("out")).mode & 0o7777).toBe(0o600);
    expect(readFileSync(file("runs"), "utf8")).toBe("ran\n");
  });

  it("takes several templates, a mode and an owner", async () => {
    await client.writeSecret({ name: "OBJECT", payload: '{"user":"u","password":"p"}' });
    const [one, two] = [
      file("1", '{{ secret "OBJECT" field="user" }}'),
      file("2", '{{ secret "OBJECT" field="password" }}'),
    ];
    const { uid, gid, username } = userInfo();
    const pairs = ["--template", two, "--out", file("b"), "--mode", "0640", "--owner", `${username}:${String(gid)}`];
    const { code, stdout } = await render(one, file("a"), ...pairs, "--json");
    expect(code).toBe(0);
    const outcome = "written";
    expect(JSON.parse(stdout)).toEqual({
      files: [
        { file: file("a"), outcome },
        { file: file("b"), outcome },
      ],
    });
    expect([readFileSync(file("a"), "utf8"), readFileSync(file("b"), "utf8")]).toEqual(["u", "p"]);
    for (const name of ["a", "b"]) expect(statSync(file(name))).toMatchObject({ uid, gid, mode: 0o100640 });
  });

  it("tells every problem of every template with its place, and writes nothing", async () => {
    const [one, two] = [file("1", 'x {{ secret "A" | upper }}\n{{ nothing }}'), file("2", '\n\n  {{ secret "A }}')];
    const { code, stdout, stderr } = await render(one, file("a"), "--template", two, "--out", file("b"));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr.split("\n").slice(0, 4)).toEqual([
      expect.stringContaining(`${one}:1:19: after | comes a filter`),
      expect.stringContaining(`${one}:2:4: write {{ secret "NAME" }}`),
      expect.stringContaining(`${two}:3:13: the text is not closed`),
      "secret-broker: the templates cannot be rendered (TEMPLATE_INVALID)",
    ]);
    expect(existsSync(file("a"))).toBe(false);
  });

  it("writes nothing when a value is missing or does not fit", async () => {
    await client.writeSecret({ name: "UNFIT", payload: Uint8Array.of(255) });
    const good = file("good", "no secret");
    const absent = await render(good, file("a"), "--template", file("t", '{{ secret "NO" }}'), "--out", file("b"));
    expect(absent).toMatchObject({ code: 3, stdout: "" });
    const unfit = await render(
      good,
      file("a"),
      "--template",
      file("t", ' {{ secret "UNFIT" | json }}'),
      "--out",
      file("b"),
    );
    expect(unfit).toMatchObject({ code: 1, stdout: "" });
    expect(unfit.stderr).toContain(`${file("t")}:1:2: the value is not UTF-8`);
    expect(existsSync(file("a"))).toBe(false);
  });

  it("exits with 5 when the broker cannot be asked", async () => {
    const argv = argvOf(file("t", '{{ secret "A" }}'), file("out"), "--address", "127.0.0.1:1", "--timeout", "300ms");
    expect(await run(argv)).toMatchObject({ code: 5, stdout: "" });
    expect(existsSync(file("out"))).toBe(false);
  });

  it.each([
    ["a template without its file", (t: string) => ["--template", t], "each --template needs its --out"],
    ["one file twice", (t: string) => ["--template", t, "--out", t], "written twice, or over a template"],
    ["a mode that is none", () => ["--mode", "0800"], "--mode must be"],
    ["a mode with more than rights", () => ["--mode", "4755"], "--mode must be"],
    ["an owner without a group", () => ["--owner", "root"], "--owner must be USER:GROUP"],
    ["an owner nobody knows", () => ["--owner", "no-such-user:0"], "give its number instead"],
    ["a signal that is none", () => ["--signal", "x.pid:SIGNONE"], "--signal must name a signal"],
    ["both ways to go on", () => ["--once", "--watch"], "exclude each other"],
  ])("refuses %s", async (_label, more, message) => {
    const template = file("t", "x");
    const { code, stderr } = await render(template, file("out"), ...more(template));
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(readFileSync(template, "utf8")).toBe("x");
  });
});

describe("the file", () => {
  it("is not written through a symbolic link, nor in place of a folder or a pipe", async () => {
    const template = file("t", "x");
    symlinkSync(file("target", "untouched"), file("link"));
    symlinkSync(file("nowhere"), file("dangling"));
    mkdirSync(file("folder"));
    for (const name of ["link", "dangling", "folder"]) {
      const { code, stderr } = await render(template, file(name));
      expect(code).toBe(1);
      expect(stderr).toContain(name === "folder" ? "is not a regular file" : "is a symbolic link; name the file");
    }
    expect(readFileSync(file("target"), "utf8")).toBe("untouched");
    expect(lstatSync(file("link")).isSymbolicLink()).toBe(true);
    expect(existsSync(file("nowhere"))).toBe(false);
  });

  it("cannot be written where there is no folder, and the others are", async () => {
    const template = file("t", "x");
    const second = file("t2", "y");
    const argv = ["--template", second, "--out", file("there"), "--run", `echo ran > ${file("ran")}`];
    const { code, stderr } = await render(template, file("absent/out"), ...argv);
    expect(code).toBe(1);
    expect(stderr).toContain("cannot be written (ENOENT)");
    expect(readFileSync(file("there"), "utf8")).toBe("y");
    expect(existsSync(file("ran"))).toBe(false);
  });

  it("cannot be written into a folder that is read-only", async () => {
    mkdirSync(file("closed"), { mode: 0o500 });
    // Nothing of a file system of ours is closed to root.
    const closed = userInfo().uid === 0 ? "/proc" : file("closed");
    const { code, stderr } = await render(file("t", "x"), join(closed, "out"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/out cannot be written \(E[A-Z]+\)/);
  });

  it("is the old one or the new one when we are killed, and drafts go with the next run", async () => {
    const contents = ["a", "b"].map((letter) => letter.repeat(900_000));
    const template = file("t", '{{ secret "BIG" }}');
    for (let round = 0; round < 8; round += 1) {
      await client.writeSecret({ name: "BIG", payload: contents[round % 2] ?? "" });
      const process = start(argvOf(template, file("out")));
      const watcher = setInterval(() => {
        if (drafts().length > 0) process.child.kill("SIGKILL");
      }, 0);
      await process.ended;
      clearInterval(watcher);
      if (existsSync(file("out"))) expect(contents).toContain(readFileSync(file("out"), "utf8"));
    }
    const left = join(folder, ".out.draft-0123456789abcdef");
    writeFileSync(left, canary);
    utimesSync(left, 1, 1);
    await client.writeSecret({ name: "BIG", payload: "small" });
    expect(await render(template, file("out"))).toMatchObject({ code: 0 });
    expect(existsSync(left)).toBe(false);
    expect(readFileSync(file("out"), "utf8")).toBe("small");
  });
});

describe("after a change", () => {
  it("a command that fails is a failure", async () => {
    const { code, stdout, stderr } = await render(file("t", "x"), file("out"), "--run", "exit 3");
    expect({ code, stdout }).toEqual({ code: 1, stdout: `written ${file("out")}\n` });
    expect(stderr).toContain("the command of --run ended with exit code 3");
  });

  it.each(["", "0", "1", "-1", "12 34", "x"])("no process is taken from a file that holds %j", async (text) => {
    const { code, stderr } = await render(file("t", "x"), file("out"), "--signal", `${file("pid", text)}:SIGTERM`);
    expect(code).toBe(1);
    expect(stderr).toContain("must hold the number of one process");
  });
});

describe("render --watch", () => {
  it("writes files anew, tells of it each time, and goes on until it is told to stop", async () => {
    await client.writeSecret({ name: "ROTATED", payload: `${canary}-1` });
    const program = new CliProcess(["exec", "--address", "127.0.0.1:1", "--", ...script(folder, listens)]);
    started.push(program);
    await program.prints("up");
    const pid = file("pid", String(program.child.pid));
    const more = ["--watch", "--run", `echo ran >> ${file("runs")}`, "--signal", `${pid}:SIGHUP`];
    const process = start(argvOf(file("t", 'k={{ secret "ROTATED" }}'), file("out"), ...more));
    await program.prints("told", 1);
    await client.writeSecret({ name: "ROTATED", payload: `${canary}-2` });
    await program.prints("told", 2);
    expect(readFileSync(file("out"), "utf8")).toBe(`k=${canary}-2`);
    expect(readFileSync(file("runs"), "utf8")).toBe("ran\nran\n");
    process.child.kill("SIGTERM");
    expect(await process.ended).toEqual({ code: 0, signal: null });
    expect(process.stdout + process.stderr).not.toContain(canary);
    expect(process.stdout).toBe(`written ${file("out")}\n`.repeat(2));
  });

  it("leaves the file when the secret is gone, says so, and takes it up again", async () => {
    await client.writeSecret({ name: "GONE", payload: "one" });
    const process = start(argvOf(file("t", '{{ secret "GONE" }}'), file("out"), "--watch"));
    await process.prints("written");
    await client.deleteSecret({ name: "GONE", recoveryWindowInDays: 0 });
    await expect.poll(() => process.stderr, { timeout: 15_000 }).toContain("the files stay as they are");
    expect(readFileSync(file("out"), "utf8")).toBe("one");
    await client.writeSecret({ name: "GONE", payload: "two" });
    await process.prints("written", 2);
    expect(readFileSync(file("out"), "utf8")).toBe("two");
    await expect.poll(() => process.stderr).toContain("up to date again");
  });
});

const listens = `process.on("SIGHUP", () => console.log("told")); setInterval(() => undefined, 1000); console.log("up");`;
