import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { isSecretError, SecretBrokerClient } from "../../src/client/index.js";
import { isMissing, pythonPath, titleOf } from "./peer.js";
import { root, startServing } from "./running-broker.js";

/** The document this project is made after; it lies beside a checkout only where the whole is developed. */
const seedDocument = join(root, "../shared/seed/custom-secret-manager.md");

/** What a person is told to put into two files. */
interface Steps {
  readonly moduleName: string;
  readonly manager: string;
  readonly config: string;
}

/** The first block of a document that is called so, byte for byte. */
function block(document: string, title: string): string {
  const found = new RegExp(`^\`\`\`\\w+[^\\n]*title="${title}"[^\\n]*\\n(?<text>.*?)^\`\`\``, "msu").exec(document);
  if (found?.groups?.["text"] === undefined) expect.fail(`there is no block with the title ${title}`);
  return found.groups["text"];
}

function seedSteps(): Steps {
  const document = readFileSync(seedDocument, "utf8");
  const [manager, config] = [block(document, "my_secret_manager.py"), block(document, "config.yaml")];
  return { moduleName: "my_secret_manager", manager, config };
}

/** The same in our own words. */
const ownSteps: Steps = {
  moduleName: "own_secret_manager",
  manager: readFileSync(join(root, "clients/python/tests/managers/own_secret_manager.py"), "utf8"),
  config: `general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  key_management_system: custom
  key_management_settings:
    custom_secret_manager: own_secret_manager.OwnSecretManager
model_list:
  - model_name: chat
    litellm_params: { model: openai/gpt-4.1, api_key: os.environ/OPENAI_API_KEY }
`,
};

/** Follows them with the program that is shipped; nothing is added but free ports. */
async function follow({ moduleName, manager, config }: Steps): Promise<SecretBrokerClient> {
  const folder = mkdtempSync(join(tmpdir(), "sb-steps-"));
  writeFileSync(join(folder, `${moduleName}.py`), manager);
  writeFileSync(join(folder, "config.yaml"), config);
  vi.stubEnv("PATH", [dirname(pythonPath), process.env["PATH"]].join(delimiter));
  vi.stubEnv("LITELLM_MASTER_KEY", "sk-placeholder");
  const broker = await startServing(folder, ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
  const client = new SecretBrokerClient(broker.address);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    client.close();
    expect(await broker.stop()).toBe(0);
    rmSync(folder, { recursive: true });
  });
  return client;
}

async function reasonOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isSecretError(error)) return error.reason;
    throw error;
  }
  return "none";
}

describe.skipIf(isMissing(pythonPath))(
  titleOf("the class, the configuration, the start", pythonPath),
  { timeout: 120_000 },
  () => {
    it.skipIf(!existsSync(seedDocument))("serve the document's own class as it stands", async () => {
      const client = await follow(seedSteps());
      const read = await client.readSecret({ name: "OPENAI_API_KEY" });
      expect(read).toMatchObject({ notModified: false, secret: { name: "OPENAI_API_KEY", payload: "sk-..." } });
      expect(await client.readSecret({ name: "ANTHROPIC_API_KEY" })).toMatchObject({
        secret: { payload: "sk-ant-..." },
      });
      await expectTheRest(client);
    });

    it("serve a class in our own words", async () => {
      const client = await follow(ownSteps);
      const read = await client.readSecret({ name: "OPENAI_API_KEY" });
      expect(read).toMatchObject({ secret: { payload: "placeholder-openai" } });
      await expectTheRest(client);
    });
  },
);

/** What a class that only reads cannot do is said, and the environment of the broker is nobody's answer. */
async function expectTheRest(client: SecretBrokerClient): Promise<void> {
  expect(await reasonOf(client.readSecret({ name: "LITELLM_MASTER_KEY" }))).toBe("SECRET_NOT_FOUND");
  expect(await reasonOf(client.writeSecret({ name: "A", payload: "value" }))).toBe("ACCESS_MODE_DENIED");
}
