import { answerParent } from "./answer-parent.ts";
import { serveConfig } from "./serve-config.ts";

// A sidecar as it is shipped, in front of a central broker; cached or not.
const [, , address = "", ttl = "0s"] = process.argv;
const broker = await serveConfig({ secret_broker: { manager: { kind: "upstream", address }, cache: { ttl } } });
const [ownAddress = ""] = broker.addresses;
answerParent(ownAddress);
