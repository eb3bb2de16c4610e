import { benchSecrets } from "../bench-secrets.ts";
import { answerParent } from "./answer-parent.ts";
import { serveConfig } from "./serve-config.ts";

// The broker as it is shipped: policy over so many hosted keys, a built-in manager.
const [, , keys = "10", kind = "memory"] = process.argv;
const hosted_keys = benchSecrets(Number(keys)).map(({ name }) => name);
const broker = await serveConfig({
  general_settings: { key_management_settings: { access_mode: "read_and_write", hosted_keys } },
  secret_broker: { manager: { kind } },
});
const [address = ""] = broker.addresses;
answerParent(address);
