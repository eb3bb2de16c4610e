import { z } from "zod";
import { brokerSchema } from "./broker-schema.js";
import { keyManagementSchema, keyManagementSystems } from "./key-management-schema.js";

/** The JSON Schema of config.yaml, for editors. LiteLLM's own keys are let through. */
export function configJsonSchema(): Record<string, unknown> {
  const file = z.looseObject({
    general_settings: z
      .looseObject({
        key_management_system: z
          .enum(keyManagementSystems)
          .optional()
          .describe('The secret manager LiteLLM uses; the broker has "custom" and "local".'),
        key_management_settings: keyManagementSchema.optional(),
      })
      .optional(),
    secret_broker: brokerSchema.optional(),
  });
  const schema = z.toJSONSchema(file, { io: "input", unrepresentable: "any" });
  return { ...schema, title: "config.yaml of the secret broker" };
}
