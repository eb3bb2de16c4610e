import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/index.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { parseDotenv } from "../../src/cli/parse-dotenv.js";
import { run, type RunResult } from "./run-in-process.js";

let broker: TestBroker;
let client: SecretBrokerClient;
let directory: string;

beforeAll(async () => {
  broker = await startBroker();
  client = new SecretBrokerClient(broker.address);
  directory = await mkdtemp(join(tmpdir(), "import-"));
});

afterAll(async () => {
  client.close();
  await broker.stop();
  await rm(directory, { recursive: true });
});

async function importText(file: string, text: string | Uint8Array, ...more: readonly string[]): Promise<RunResult> {
  const path = join(directory, file);
  await writeFile(path, text);
  return await run(["import", path, "--address", broker.address, ...more]);
}

async function valueOf(name: string): Promise<unknown> {
  const answer = await client.readSecret({ name });
  return "secret" in answer ? answer.secret.payload : undefined;
}

const places = ({ stderr }: RunResult): string[] =>
  [...stderr.matchAll(/:(\d+:\d+): (.*)/gu)].map(([, at, message]) => `${at ?? ""} ${message ?? ""}`);

describe("import of a .env file", () => {
  it("writes every entry exactly", async () => {
    const text = [
      "\uFEFF# a comment",
      "PLAIN=value",
      "  export EXPORTED = spaced value  # a comment",
      "HASH=a#b",
      "EMPTY=",
      "SINGLE='as it is: \\n $HOME # \"'",
      'DOUBLE="line\\nbreak \\"quoted\\" \\\\ \\$HOME \\x"',
      'LONG="first',
      'second # no comment"',
      "CRLF=value\r",
      "EQUALS=a=b=c",
      "PEM='-----BEGIN",
      "key",
      "-----END'",
    ].join("\n");
    expect(await importText(".env", text, "--prefix", "env/")).toMatchObject({ code: 0 });
    const expected = {
      PLAIN: "value",
      EXPORTED: "spaced value",
      HASH: "a#b",
      EMPTY: "",
      SINGLE: String.raw`as it is: \n $HOME # "`,
      DOUBLE: `line\nbreak "quoted" \\ $HOME \\x`,
      LONG: "first\nsecond # no comment",
      CRLF: "value",
      EQUALS: "a=b=c",
      PEM: "-----BEGIN\nkey\n-----END",
    };
    for (const [name, value] of Object.entries(expected)) expect(await valueOf(`env/${name}`), name).toBe(value);
  });

  it("shows every problem with its place and no value, and writes nothing", async () => {
    const text =
      "GOOD=canary\nno assignment canary\n=canary\nQUOTED='canary' canary\nGOOD=canary\n../X=canary\nOPEN=\"canary\n";
    const result = await importText("bad.env", text);
    expect(result.code).toBe(1);
    expect(places(result)).toEqual([
      "2:1 must be NAME=value or a comment",
      "3:1 must be NAME=value or a comment",
      "4:8 has something after its closing quote",
      "5:1 the name stands twice; keep one of them",
      expect.stringMatching(/^6:1 the name /u),
      "7:6 has a quote that does not end",
    ]);
    expect(`${result.stdout}${result.stderr}`).not.toContain("canary");
    await expect(valueOf("GOOD")).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
  });

  it("does not guess what others read in other ways", async () => {
    const text = "COLOUR=#fff\nEMPTY= # a comment\nMAC=one\rNEXT=two\n";
    expect(places(await importText("guess.env", text))).toEqual([
      "1:8 begins with #: put it into quotes, or a space before a comment",
      "3:5 has a carriage return inside: put it into quotes, or end lines with a line feed",
    ]);
  });

  it("reads a long file with an open quote once and not once a line", () => {
    const lines = Array.from({ length: 200_000 }, (_, index) => `NAME_${String(index)}=value of some length`);
    const { entries, problems } = parseDotenv(["OPEN='", ...lines].join("\n"));
    expect([entries.length, problems]).toEqual([
      lines.length,
      [{ line: 1, column: 6, message: "has a quote that does not end" }],
    ]);
  });
});

describe("import of YAML and JSON", () => {
  it("writes texts, bytes, descriptions and tags; nested names are joined", async () => {
    const yaml = `
a: plain
team:
  b: "0123"
  c: { text: "x", description: what it is, tags: { Team: y } }
  d: { base64: AAH/ }
long: |
  first
  second
`;
    expect(await importText("file.yaml", yaml, "--prefix", "y/")).toMatchObject({ code: 0 });
    expect(await valueOf("y/a")).toBe("plain");
    expect(await valueOf("y/team/b")).toBe("0123");
    expect(await valueOf("y/team/d")).toEqual(Uint8Array.of(0, 1, 255));
    expect(await valueOf("y/long")).toBe("first\nsecond\n");
    expect(await client.readSecret({ name: "y/team/c" })).toMatchObject({
      secret: { payload: "x", description: "what it is", tags: { Team: "y" } },
    });
    expect(await importText("file.json", '{"j": {"k": "v"}}')).toMatchObject({ code: 0, stdout: "written j/k\n" });
    expect(await valueOf("j/k")).toBe("v");
  });

  it.each([
    ["a number", "a: 0123\nb: x\n", ["1:4 must be text: put it into quotes, as a number may lose digits"]],
    ["true and nothing", "a: true\nb:\n", ["1:4 must be text", "2:3 must be text"]],
    ["a list", "a: [x]\n", ["1:4 must be text"]],
    ["a list at the top", "- x\n", ["1:1 must be a mapping of names to texts"]],
    ["a key twice", "a: x\na: y\n", ["2:1 stands twice"]],
    ["broken YAML", "a: 'x\n", ["2:1 is not valid YAML or JSON"]],
    ["what base64 is not", "a: { base64: '*' }\n", ["1:14 must be base64"]],
    ["both kinds", "a: { base64: AA==, text: x }\n", ['1:1 must hold either "text" or "base64"']],
    ["an unknown field", "a: { text: x, label: y }\n", ["1:1 must hold only text, base64, description, tags"]],
    ["tags that are none", "a: { text: x, tags: y }\n", ["1:21 must be a mapping of keys to texts"]],
    ["an unsafe name", "a: { '..': x }\n", ["1:6 the name "]],
    ["a name that is a number", "007: x\na: { 1e3: y }\n", ["1:1 must be a name: put", "2:6 must be a name: put"]],
    ["a name that is a word of YAML's", "true: x\nnull: y\n", ["1:1 must be a name: put", "2:1 must be a name: put"]],
    ["a tag's key that is a number", "a: { text: x, tags: { 01: y } }\n", ["1:23 must be text in quotes"]],
    ["an alias", "a: &x text\nb: *x\n", ["2:4 must be written out: aliases are not followed"]],
    ["a merged mapping", "a: &x { b: text }\nc:\n  <<: *x\n", ["3:3 must be written out: aliases are not followed"]],
    ["half a character", String.raw`{"a": "\ud800"}`, ["1:7 must be valid Unicode"]],
    ["depth without end", "[".repeat(20_000), ["(RESOURCE_EXHAUSTION)"]],
  ])("refuses %s, and writes nothing", async (_what, text, expected) => {
    const result = await importText("bad.yaml", text);
    expect(result.code).toBe(1);
    const found = places(result);
    expect(found).toHaveLength(expected.length);
    for (const [index, start] of expected.entries()) expect(found[index]).toContain(start);
  });
});

describe("import", () => {
  it("leaves alone what is there, unless it is told otherwise", async () => {
    await client.writeSecret({ name: "K", payload: "old" });
    expect(await importText("k.env", "K=new\nL=1\n", "--dry-run")).toMatchObject({
      code: 6,
      stdout: "differs K\nmissing L\n",
    });
    expect(await importText("k.env", "K=new\nL=1\n")).toMatchObject({ code: 6, stdout: "differs K\nwritten L\n" });
    expect(await importText("k.env", "K=new\nL=1\n", "--overwrite")).toMatchObject({
      code: 0,
      stdout: "written K\nsame L\n",
    });
    expect(await valueOf("K")).toBe("new");
    const { stdout } = await importText("k.env", "K=new\n", "--json");
    expect(JSON.parse(stdout)).toEqual({ same: true, secrets: [{ name: "K", outcome: "same" }] });
  });

  it("reads standard input when it is told what that is", async () => {
    const argv = ["import", "-", "--address", broker.address];
    expect((await run(argv, { stdin: "S=1\n" })).stderr).toContain("say what the file is with --format");
    expect(await run([...argv, "--format", "dotenv"], { stdin: "S=1\n" })).toMatchObject({ stdout: "written S\n" });
    expect((await run([...argv, "--format", "toml"], { stdin: "" })).stderr).toContain("--format must be one of");
  });

  it("refuses what is not UTF-8", async () => {
    expect(places(await importText("x.env", Uint8Array.of(0x41, 0x3d, 0xff)))).toEqual(["1:1 is not UTF-8"]);
  });

  it("does without preconditions where the manager has none, and stays under the policy", async () => {
    const config = `
general_settings: { key_management_settings: { access_mode: read_and_write, hosted_keys: [P, Q] } }
secret_broker:
  manager: { kind: module, class: plain.Plain }
  admin: { listen: "off" }
  audit: { sink: file, path: a.jsonl }
  log: { level: error }
`;
    const files = {
      "plain.mjs": `const values = new Map();
        export class Plain { readSecret(n) { return values.get(n); } writeSecret(n, v) { values.set(n, v); } }`,
    };
    const weak = await startBroker({ config, files });
    const path = join(directory, "weak.env");
    await writeFile(path, "P=1\nOTHER=2\n");
    const result = await run(["import", path, "--address", weak.address]);
    expect(result).toMatchObject({ code: 1, stdout: "written P\nfailed KEY_NOT_HOSTED OTHER\n" });
    await weak.stop();
  });
});
