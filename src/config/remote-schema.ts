import { z } from "zod";
import type { ProcessConfig, PythonConfig, RemoteConfig } from "./config.js";
import { variableSchema } from "./path-schema.js";
import {
  type PeerAddressSchema,
  peerAddressSchema,
  type PeerTlsSchema,
  peerTlsSchema,
  readPeer,
} from "./peer-schema.js";
import { durationSchema, type Quantity } from "./quantity-schema.js";

const maxInstances = 64;
const maxVariables = 256;
const maxParameters = 1_000;
const maxParameterLength = 4_096;

const parameterSchema = z
  .string()
  .max(maxParameterLength)
  .refine((text) => !text.includes("\0"), { error: "must not contain a zero character" });

function startTimeout(): Quantity {
  return durationSchema({
    standard: "30s",
    min: "100ms",
    max: "10m",
    description:
      "With `kind: process` and `kind: remote`: how long an attempt to reach the manager may take, its start included.",
  });
}

/** A member of a union by `kind`, which must see its shape. */
export type ProcessSchema = z.ZodObject<
  {
    kind: z.ZodLiteral<"process">;
    command: z.ZodArray<z.ZodString>;
    environment: z.ZodDefault<z.ZodArray<z.ZodType<string, string>>>;
    instances: z.ZodDefault<z.ZodNumber>;
    start_timeout: z.ZodType<number>;
  },
  z.core.$strict
>;

/** `secret_broker.manager` with `kind: process`. */
export function createProcessSchema(): ProcessSchema {
  return z.strictObject({
    kind: z.literal("process"),
    command: z.array(parameterSchema).min(1).max(maxParameters).meta({
      description:
        "With `kind: process`: the program and its parameters, no shell. `{address}` stands for the socket to listen on, which is also in `SECRET_BROKER_MANAGER_ADDRESS`. Started in the configuration's directory; a program with a `/` is relative to it.",
      "x-bounds": "1 to 1,000 texts",
    }),
    environment: z.array(variableSchema).max(maxVariables).default(["PATH"]).meta({
      description:
        "With `kind: process`: the names of the broker's variables that the process gets; it gets no others.",
      "x-bounds": "at most 256 names",
    }),
    instances: z
      .number()
      .int()
      .min(1)
      .max(maxInstances)
      .default(1)
      .describe(
        "With `kind: process`: how many of it run and take turns; only for a manager that keeps nothing itself.",
      ),
    start_timeout: startTimeout(),
  });
}

/** `kind: process` as it is used. @param directory where it is started */
export function readProcess(section: z.infer<ProcessSchema>, directory: string): ProcessConfig {
  const { kind, command, environment, instances, start_timeout: startTimeoutMs } = section;
  return { kind, command, directory, environment, instances, startTimeoutMs };
}

/** A member of a union by `kind`, which must see its shape. */
export type RemoteSchema = z.ZodObject<
  {
    kind: z.ZodLiteral<"remote">;
    address: PeerAddressSchema;
    tls: z.ZodOptional<PeerTlsSchema>;
    start_timeout: z.ZodType<number>;
  },
  z.core.$strict
>;

/** `secret_broker.manager` with `kind: remote`. @param directory what relative paths are relative to */
export function createRemoteSchema(directory: string): RemoteSchema {
  return z.strictObject({
    kind: z.literal("remote"),
    address: peerAddressSchema({
      fix: "say where the manager listens",
      example: "unix:manager.sock",
      description:
        "With `kind: remote`: where the manager listens. Several are instances of one manager and take turns.",
    }),
    tls: peerTlsSchema(directory, "remote", "manager").optional(),
    start_timeout: startTimeout(),
  });
}

/** `kind: remote` as it is used. @param directory what relative paths are relative to */
export function readRemote(section: z.infer<RemoteSchema>, directory: string, context: z.RefinementCtx): RemoteConfig {
  const { kind, start_timeout: startTimeoutMs } = section;
  return { kind, ...readPeer(section, directory, context), startTimeoutMs };
}

/** `secret_broker.python`. */
export const pythonSchema: z.ZodType<PythonConfig> = z
  .strictObject({
    interpreter: parameterSchema
      .min(1)
      .default("python3")
      .describe(
        "The interpreter, looked for in the PATH; one with a `/` is relative to the configuration's directory.",
      ),
    environment: z.array(variableSchema).max(maxVariables).default([]).meta({
      description:
        "The names of the broker's variables that a class in Python gets, besides `PATH`, `HOME`, `LANG`, `LC_ALL`, `TZ`, `VIRTUAL_ENV` and `PYTHONPATH`.",
      "x-bounds": "at most 256 names",
    }),
  })
  .describe("What runs a class in Python.");
