import { describe, it } from "vitest";
import { describeSecretManager } from "../../src/testkit/index.js";
import { guardedAsManager } from "./guarded-as-manager.js";
import { subjects, throughWrapper } from "./subjects.js";

for (const [kind, subject] of Object.entries(subjects)) {
  describeSecretManager({ describe, it }, kind, subject);
  describeSecretManager({ describe, it }, `${kind} behind the guard`, throughWrapper(subject, guardedAsManager));
}
