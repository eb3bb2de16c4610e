import { z } from "zod";
import { createBrokerSchema } from "./broker-schema.js";
import { keyManagementSchema, keyManagementSystems } from "./key-management-schema.js";
import { isMapping, type Mapping } from "./mapping.js";

/** The JSON Schema of config.yaml, for editors. LiteLLM's own keys are let through. */
export function configJsonSchema(): Record<string, unknown> {
  const file = z.looseObject({
    general_settings: generalSchema().optional(),
    // Paths do not reach the schema, so any directory does.
    secret_broker: createBrokerSchema("/").optional().describe("The broker's own settings; LiteLLM ignores them."),
  });
  const schema = z.toJSONSchema(file, { io: "input", unrepresentable: "any" });
  return { ...schema, title: "config.yaml of the secret broker", properties: withNulls(schema.properties) };
}

function generalSchema(): z.ZodType {
  return z
    .looseObject({
      key_management_system: z.enum(keyManagementSystems).optional().meta({
        description:
          "LiteLLM's secret manager. The broker has `custom`, a class of yours, and `local`, the broker's own environment; for others set `secret_broker.manager`. Required unless that is set.",
        "x-type": "`custom` or `local`",
      }),
      key_management_settings: keyManagementSchema.optional(),
    })
    .describe("LiteLLM's general settings; the broker reads the two below and leaves the others alone.");
}

/** A key without a value means its default, so every setting may also be null. */
function withNulls(properties: unknown): Mapping {
  if (!isMapping(properties)) return {};
  return Object.fromEntries(Object.entries(properties).map(([key, schema]) => [key, orNull(schema)]));
}

function orNull(schema: unknown): unknown {
  if (!isMapping(schema)) return schema;
  const { type, anyOf, oneOf } = schema;
  const own = isMapping(schema["properties"]) ? { ...schema, properties: withNulls(schema["properties"]) } : schema;
  if (Array.isArray(anyOf)) return { ...own, anyOf: [...(anyOf as unknown[]), { type: "null" }] };
  if (Array.isArray(oneOf)) return { ...own, oneOf: [...(oneOf as unknown[]), { type: "null" }] };
  if (type === undefined) return own;
  const choices = Array.isArray(schema["enum"]) ? { enum: [...(schema["enum"] as unknown[]), null] } : {};
  return { ...own, type: [type, "null"].flat(), ...choices };
}
