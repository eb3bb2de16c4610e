import { describe, it } from "node:test";
import { describeSecretManager } from "secret-broker/testkit";
import { TextSecretManager } from "./text_secret_manager.ts";

describeSecretManager({ describe, it }, "TextSecretManager", {
  open: () => new TextSecretManager(),
  capabilities: ["write", "delete"],
  payloads: "text",
});
