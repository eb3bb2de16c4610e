import { z } from "zod";
import type { ListenAddress, ProcessConfig, PythonConfig, RemoteConfig } from "./config.js";
import { parseListenAddress } from "./listen-address.js";
import { filePathSchema, variableSchema } from "./path-schema.js";
import { foundText } from "./schema-message.js";
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

type TlsSchema = z.ZodObject<
  {
    ca: z.ZodOptional<z.ZodType<string, string>>;
    certificate: z.ZodOptional<z.ZodType<string, string>>;
    key: z.ZodOptional<z.ZodType<string, string>>;
  },
  z.core.$strict
>;

/** A member of a union by `kind`, which must see its shape. */
export type RemoteSchema = z.ZodObject<
  {
    kind: z.ZodLiteral<"remote">;
    address: z.ZodType<readonly string[], string | string[]>;
    tls: z.ZodOptional<TlsSchema>;
    start_timeout: z.ZodType<number>;
  },
  z.core.$strict
>;

/** `secret_broker.manager` with `kind: remote`. @param directory what relative paths are relative to */
export function createRemoteSchema(directory: string): RemoteSchema {
  return z.strictObject({
    kind: z.literal("remote"),
    address: z
      .union([z.string(), z.array(z.string()).min(1).max(maxInstances)], {
        error: ({ input }) =>
          input === undefined
            ? "is missing; say where the manager listens"
            : `must be an address such as unix:manager.sock, or a list of them${foundText(input)}`,
      })
      .transform((given) => (Array.isArray(given) ? given : [given]))
      .meta({
        description:
          "With `kind: remote`: where the manager listens. Several are instances of one manager and take turns.",
        "x-type": "HOST:PORT, [IPv6]:PORT or unix:PATH, or a list of them",
        "x-bounds": "loopback or a Unix socket, unless there is `tls`",
      }),
    tls: createTlsSchema(directory).optional(),
    start_timeout: startTimeout(),
  });
}

function createTlsSchema(directory: string): TlsSchema {
  const file = filePathSchema(directory);
  return z
    .strictObject({
      ca: file
        .optional()
        .describe("The file with the certificates that may sign the manager's; those of Node.js unless given."),
      certificate: file.optional().describe("The file with the broker's own certificate; goes with `key`."),
      key: file.optional().describe("The file with the broker's own key; goes with `certificate`."),
    })
    .describe(
      "With `kind: remote`: the connection is encrypted and the manager proven. PEM files, relative to the configuration's directory and read again for each connection.",
    );
}

/** `kind: remote` as it is used. @param directory what relative paths are relative to */
export function readRemote(section: z.infer<RemoteSchema>, directory: string, context: z.RefinementCtx): RemoteConfig {
  const { kind, address, tls, start_timeout: startTimeoutMs } = section;
  const addresses = address.flatMap((text) => {
    const parsed = parseManagerAddress(text, { directory, hasTls: tls !== undefined });
    if ("address" in parsed) return parsed.address;
    context.addIssue({ code: "custom", message: parsed.problem, path: ["address"] });
    return [];
  });
  const { ca: caPath, certificate: certificatePath, key: keyPath } = tls ?? {};
  if ((certificatePath === undefined) !== (keyPath === undefined)) {
    const [missing, there] = keyPath === undefined ? ["key", "certificate"] : ["certificate", "key"];
    context.addIssue({ code: "custom", message: `is missing; it goes with "${there}"`, path: ["tls", missing] });
  }
  return { kind, addresses, tls: tls && { caPath, certificatePath, keyPath }, startTimeoutMs };
}

/** An address, or what is wrong with it. */
export type ParsedManagerAddress = { readonly address: ListenAddress } | { readonly problem: string };

/** Reads where a manager listens: any host with TLS, this machine without. */
export function parseManagerAddress(
  text: string,
  { directory, hasTls }: { readonly directory: string; readonly hasTls: boolean },
): ParsedManagerAddress {
  const parsed = parseListenAddress(text, directory);
  if ("address" in parsed) {
    const { address } = parsed;
    return address.kind === "tcp" && address.port === 0 ? { problem: "must have a port from 1 to 65535" } : parsed;
  }
  const elsewhere = hostAndPort(text);
  if (elsewhere === undefined) return parsed;
  if (hasTls) return { address: { kind: "tcp", ...elsewhere } };
  return { problem: 'must be on this machine, as the connection is not encrypted; set "tls" for other hosts' };
}

function hostAndPort(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, host = "", digits = ""] = /^(?=.{3,260}$)((?:[a-z0-9_-]+\.)*[a-z0-9_-]+):(\d{1,5})$/iu.exec(text) ?? [];
  const port = Number(digits);
  return host === "" || port < 1 || port > 65_535 ? undefined : { host: host.toLowerCase(), port };
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
