import { describe, it } from "vitest";
import { describeSecretManager } from "../../src/testkit/index.js";
import { subjects } from "./subjects.js";

for (const [kind, subject] of Object.entries(subjects)) {
  describeSecretManager({ describe, it }, kind, subject);
}
