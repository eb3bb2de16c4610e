import { describe, expect, it } from "vitest";
import { formatProblem } from "../../src/config/config-error.js";
import { parseConfig } from "../../src/config/parse-config.js";
import { file, load, placesOf, problemsOf, withMemory } from "./config-text.js";

const broken = `# everything is wrong here
general_settings:
  key_management_system: custom
  key_management_settings:
    custom_secret_manager: one.two.three
    acces_mode: read_only
    hosted_keys:
      - GOOD
      - ../bad
      - 7
    store_virtual_keys: true
    tags: { Team: 3 }

litellm_settings: {}
secret_broker:
  audt: {}
  listen: ["127.0.0.1:1", "0.0.0.0:2"]
  limits:
    max_payload: 5GB
    max_payloads: 1
  timeouts: { drain: 30 }
  audit: { sink: file }
`;

describe("problems", () => {
  it("are all reported at once, in the order of the file, each at its line and column", () => {
    expect(placesOf(broken)).toEqual([
      "5:28 general_settings.key_management_settings.custom_secret_manager",
      "6:5 general_settings.key_management_settings.acces_mode",
      "9:9 general_settings.key_management_settings.hosted_keys[1]",
      "10:9 general_settings.key_management_settings.hosted_keys[2]",
      "11:25 general_settings.key_management_settings.store_virtual_keys",
      "12:19 general_settings.key_management_settings.tags.Team",
      "16:3 secret_broker.audt",
      "17:27 secret_broker.listen[1]",
      "19:18 secret_broker.limits.max_payload",
      "20:5 secret_broker.limits.max_payloads",
      "21:22 secret_broker.timeouts.drain",
      "22:10 secret_broker.audit.path",
    ]);
  });

  it("name their file, and end without a period", () => {
    for (const problem of problemsOf(broken)) {
      expect(problem.file).toBe(file);
      expect(problem.message).not.toMatch(/\.$|\n|undefined|object Object/u);
    }
  });

  it("are one line each, as editors read them", () => {
    const lines = problemsOf(broken).map(formatProblem);
    for (const line of lines) expect(line).toMatch(/^\/etc\/broker\/config\.yaml:\d+:\d+: \S.*$/u);
    expect(() => load(broken)).toThrow(lines.join("\n"));
  });

  it("without a place have no position in their line", () => {
    const problem = { file: "--listen", line: 0, column: 0, path: "", message: "is wrong" };
    expect(formatProblem(problem)).toBe("--listen: is wrong");
  });

  it.each([
    ["a byte order mark is no column", "\uFEFFsecret_brokr: {}\n", "1:1 secret_brokr"],
    ["lines may end in CR LF", withMemory("  audt: {}\n").replaceAll("\n", "\r\n"), "3:3 secret_broker.audt"],
    ["columns are UTF-16 code units", withMemory("  log: { '😀é': 1 }\n"), "3:10"],
    ["flow style", "{secret_broker: {manager: {kind: memory}, audt: {}}}", "1:43 secret_broker.audt"],
    ["quoted keys", withMemory('  "audt": {}\n'), "3:3 secret_broker.audt"],
    ["explicit keys", withMemory("  ? audt\n  : {}\n"), "3:5 secret_broker.audt"],
    ["aliases: where the alias stands", `x: &x 7\n${withMemory("  audit: *x\n")}`, "4:10 secret_broker.audit"],
    ["numbers as keys", withMemory("  log: { 7: 1 }\n"), "3:10"],
  ])("%s", (_case, text, at) => {
    const places = placesOf(text);
    expect(places.some((each) => each === at || each.startsWith(`${at} `))).toBe(true);
  });
});

describe("--listen", () => {
  const parse = (...listen: string[]): unknown =>
    parseConfig({ text: withMemory(""), file }, { listen, directory: "/base" });

  it("replaces the file's addresses; its paths are relative to where it is given", () => {
    expect(parse("127.0.0.1:7", "unix:b.sock")).toMatchObject({
      config: {
        listen: [
          { kind: "tcp", host: "127.0.0.1", port: 7 },
          { kind: "unix", path: "/base/b.sock" },
        ],
      },
    });
  });

  it("is refused without a position, before what the file gets wrong", () => {
    const text = withMemory("  audt: {}\n");
    const parseBoth = (): unknown => parseConfig({ text, file }, { listen: ["0.0.0.0:1", "what"], directory: "/" });
    expect(parseBoth).toThrow(/^--listen: .*loopback.*\n--listen: .*\n\/etc\/broker\/config\.yaml:3:3: /u);
  });

  it("and --admin-listen leave each other's addresses alone", () => {
    const text = withMemory("  admin: { listen: 127.0.0.1:3 }\n  listen: 127.0.0.1:4\n");
    const addresses = (listen: string[], adminListen?: string): unknown => {
      const { config } = parseConfig({ text, file }, { listen, adminListen, directory: "/base" });
      const places = [...config.listen, config.adminListen].map((each) => {
        if (each === undefined) return "off";
        return each.kind === "tcp" ? each.port : each.path;
      });
      return places.join(" ");
    };
    expect(addresses([])).toBe("4 3");
    expect(addresses(["unix:a"])).toBe("/base/a 3");
    expect(addresses([], "unix:a")).toBe("4 /base/a");
    expect(addresses(["127.0.0.1:0"], "off")).toBe("0 off");
    // What the file would have there does not matter then.
    expect(addresses(["127.0.0.1:3"], "127.0.0.1:4")).toBe("3 4");
  });

  it.each([
    ["0.0.0.0:1", /^--admin-listen: .*loopback.*, or off\n\/etc\/broker\/config\.yaml:3:3: /u],
    ["of", /^--admin-listen: .*HOST:PORT.*, or off\n/u],
    ["127.0.0.1:4", /^--admin-listen: is also an address for gRPC; choose another one, or off/u],
  ])("is refused beside --admin-listen %s, with what the file gets wrong", (adminListen, message) => {
    const wrong = adminListen === "127.0.0.1:4" ? "" : "  audt: {}\n";
    const text = withMemory(`${wrong}  listen: 127.0.0.1:4\n`);
    expect(() => parseConfig({ text, file }, { listen: [], adminListen, directory: "/" })).toThrow(message);
  });

  it("does not excuse a wrong address in the file", () => {
    const text = withMemory("  listen: 0.0.0.0:1\n");
    expect(() => parseConfig({ text, file }, { listen: ["127.0.0.1:1"], directory: "/" })).toThrow(":3:11: ");
  });
});
