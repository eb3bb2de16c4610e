import { join } from "node:path";
import { parse, stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError } from "../../src/config/config-error.js";
import { parseConfig } from "../../src/config/parse-config.js";
import { type Block, readBlocks, root } from "./markdown.js";
import { hasGrpcurl, hasLiteLlm, hasProgram, requiresPeers } from "./peers.js";
import { type Outcome, Reader } from "./reader.js";

/** How a document is followed. */
export interface Following {
  /** Programs without which the whole document is skipped, unless peers are required. */
  readonly needs?: readonly string[];
  /** How long a block may take. */
  readonly longestMs?: number;
}

/** Follows a document from its begin to its end, executing each block as its language wants. */
export function followDocument(document: string, { needs = [], longestMs = 45_000 }: Following = {}): void {
  const missing = needs.filter((program) => !hasProgram(program));
  const reason = missing.length === 0 ? "" : ` (skipped without ${missing.join(" and ")})`;
  // A broker that is started from the clone may have to be built first, and LiteLLM takes its time.
  const timeout = Math.max(180_000, 2 * longestMs);
  describe.skipIf(missing.length > 0 && !requiresPeers)(`${document} can be followed${reason}`, { timeout }, () => {
    let reader: Reader;
    let last: Outcome | undefined;
    beforeAll(async () => {
      reader = await Reader.open(longestMs);
    });
    afterAll(() => reader.close());

    let missing: string | undefined;
    for (const block of readBlocks(document)) {
      // What a skipped command would have printed is skipped with it.
      if (!block.isOutput) missing = missingPeer(block);
      const title = `${block.place} ${block.title ?? block.language}${missing ? ` (${missing} is not there)` : ""}`;
      it.skipIf(missing !== undefined && !requiresPeers)(title, async () => {
        if (block.isOutput) expectOutput(reader.adapt(block.code), last);
        else last = await follow(reader, block);
      });
    }
  });
}

/** What the commands of a block need that is not there. */
function missingPeer({ language, code }: Block): string | undefined {
  if (language !== "sh") return undefined;
  if (code.includes("grpcurl") && !hasGrpcurl) return "grpcurl";
  return /my-(?:proxy\/venv|class)|127\.0\.0\.1:(?:14000|50052)|"principal":"litellm"/u.test(code) && !hasLiteLlm
    ? "LiteLLM"
    : undefined;
}

async function follow(reader: Reader, block: Block): Promise<Outcome | undefined> {
  const { language, title, code } = block;
  switch (language) {
    case "sh":
    case "bash":
      return expectSuccess(await reader.run(language, code));
    case "ts":
      return expectSuccess(await reader.execute(code, title));
    case "yaml":
      expectConfig(block);
      break;
    case "json":
      expectJson(code);
      break;
    case "text":
      break;
    case "python":
      // A file that a command after it uses.
      expect(title).toBeDefined();
      break;
    default:
      expectProgram(block);
  }
  if (title !== undefined) reader.write(title, code);
  return undefined;
}

function expectJson(code: string): void {
  for (const line of code.startsWith("{\n") ? [code] : code.split("\n")) JSON.parse(line);
}

/** A program of its own is written, and proved by the commands after it. */
function expectProgram({ language, title }: Block): void {
  const isWritten = title !== undefined && ["ruby", "cpp", "python"].includes(language);
  if (!isWritten) expect.fail(`a block in "${language}", which nothing here can prove`);
}

function expectConfig({ code, isInvalid }: Block): void {
  const parse = (): unknown => parseConfig({ text: completed(code), file: join(root, "config.yaml") }).warnings;
  if (isInvalid) expect(parse).toThrow(ConfigError);
  else expect(parse()).toEqual([]);
}

function expectSuccess(outcome: Outcome): Outcome {
  expect(outcome, outcome.output).toMatchObject({ code: 0 });
  return outcome;
}

/** What a document says is printed must stand in what was printed, as a whole. */
function expectOutput(shown: string, last: Outcome | undefined): void {
  const source = shown
    .split("…")
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`))
    .join("[^\\n]*");
  expect(last?.output).toMatch(new RegExp(source, "u"));
}

/** A fragment with a manager, where it leaves that to the reader. */
function completed(code: string): string {
  const config: unknown = parse(code);
  if (!isMapping(config)) return code;
  const { general_settings: general = {}, secret_broker: own = {} } = config;
  if (!isMapping(general) || !isMapping(own)) return code;
  if ("key_management_system" in general || "manager" in own) return code;
  return stringify({ ...config, secret_broker: { ...own, manager: { kind: "memory" } } });
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
