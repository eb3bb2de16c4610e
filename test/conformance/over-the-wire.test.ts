import { describe, it } from "vitest";
import { describeSecretManager } from "../../src/testkit/index.js";
import { servedManager } from "./served-manager.js";
import { subjects, throughWrapper } from "./subjects.js";

for (const [kind, subject] of Object.entries(subjects)) {
  describeSecretManager({ describe, it }, `${kind} in another process`, throughWrapper(subject, servedManager));
}
