import { hash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import type { AuditConfig, AuditDatabaseConfig, AuditSinkConfig } from "./audit-config.js";
import { createAuditSinkSchema, isolatedSchema, rotateSizeSchema } from "./audit-sink-schema.js";
import { filePathSchema } from "./path-schema.js";

const maxPathLength = 4_096;
const maxSinks = 8;

/** `secret_broker.audit`. @param directory what relative paths are relative to */
export function createAuditSchema(directory: string): z.ZodType<AuditConfig> {
  return z
    .strictObject({
      sink: z.enum(["stdout", "file"]).optional().meta({
        description: "Where audit records go, one line of JSON each, written before the answer.",
        "x-default": '`"stdout"`, without `sinks`',
      }),
      path: z
        .string()
        .min(1)
        .max(maxPathLength)
        .optional()
        .describe(
          "The file to append to, required with `sink: file`, made with mode 0600. Relative to the configuration's directory.",
        ),
      rotate_size: rotateSizeSchema(),
      isolated: isolatedSchema(),
      sinks: z
        .array(createAuditSinkSchema(directory))
        .min(1)
        .max(maxSinks)
        .optional()
        .describe("Several places at once, in the place of `sink` and `path`; at least one must be required."),
      key: filePathSchema(directory)
        .prefault(".secret-broker/audit.key")
        .describe(
          "The Ed25519 key that signs the trail, made with the first start. Relative to the configuration's directory.",
        ),
      head: filePathSchema(directory).optional().meta({
        description:
          "Where it is kept how far the file is signed, to notice when its end is missing. Relative to the configuration's directory.",
        "x-default": "beside `key`, by the file's name and `.head`",
      }),
    })
    .prefault({})
    .transform((section, context): AuditConfig => {
      const found = section.sinks === undefined ? single(section, directory) : several(section);
      if (!("problem" in found)) return { keyPath: section.key, sinks: found.sinks };
      context.addIssue({ code: "custom", message: found.problem, path: [...found.path] });
      return z.NEVER;
    })
    .describe("The audit trail.");
}

interface Section {
  readonly sink?: "stdout" | "file" | undefined;
  readonly path?: string | undefined;
  readonly rotate_size: number;
  readonly isolated: boolean;
  readonly sinks?: readonly AuditSinkConfig[] | undefined;
  readonly key: string;
  readonly head?: string | undefined;
}

type Found =
  | { readonly sinks: readonly AuditSinkConfig[] }
  | { readonly problem: string; readonly path: readonly (string | number)[] };

/** How a sink is that stands alone. */
const onlySink = { required: true, deadlineMs: 2_000 } as const;

function single(section: Section, directory: string): Found {
  const { sink = "stdout", path, key, head } = section;
  if (sink === "stdout") {
    if (path === undefined) return { sinks: [{ kind: "stdout", ...onlySink }] };
    return { problem: 'is not used; set "sink: file" or remove it', path: ["path"] };
  }
  if (path === undefined) return { problem: 'is missing; "sink: file" needs the file to append to', path: ["path"] };
  if (path.includes("\0"))
    return { problem: "must not contain a zero character; write the path of a file", path: ["path"] };
  const file = resolve(directory, path);
  const { rotate_size: rotateBytes, isolated: isIsolated } = section;
  const place = { kind: "file", path: file, rotateBytes, isIsolated, headPath: head ?? headBeside(key, file) } as const;
  return { sinks: [{ ...place, ...onlySink }] };
}

function several({ sink: alone, path, head, sinks = [], key }: Section): Found {
  const unused = Object.entries({ sink: alone, path, head }).find(([, value]) => value !== undefined);
  if (unused !== undefined)
    return { problem: 'is not used beside "sinks"; put it into an entry of the list', path: [unused[0]] };
  const found = sinks.map((sink) => withHead(sink, key));
  return conflictOf(found) ?? { sinks: found };
}

function withHead(sink: AuditSinkConfig, key: string): AuditSinkConfig {
  if (sink.kind === "file") return { ...sink, headPath: headBeside(key, sink.path) };
  return sink.kind === "postgres" ? { ...sink, headPath: headBeside(key, tableName(sink)) } : sink;
}

/** What two sinks cannot share. */
function conflictOf(sinks: readonly AuditSinkConfig[]): Found | undefined {
  const known = new Set<string>();
  for (const [index, sink] of sinks.entries()) {
    const place = placeName(sink);
    if (known.has(place)) {
      const problem =
        sink.kind === "file" ? "has a file's name that stands in the list already" : "stands in the list already";
      return { problem: `${problem}; choose another or remove it`, path: ["sinks", index] };
    }
    known.add(place);
  }
  if (sinks.some(({ required }) => required)) return undefined;
  return {
    problem: 'must have one that is required, or calls leave no trace; remove a "required: false"',
    path: ["sinks"],
  };
}

/** The same for two sinks that would keep their heads, or all they are given, in one place. */
function placeName(sink: AuditSinkConfig): string {
  if (sink.kind === "file") return `file ${basename(sink.path)}`;
  return sink.kind === "postgres" ? tableName(sink) : JSON.stringify({ ...sink, required: 0, deadlineMs: 0 });
}

/** Tells tables apart, and stays the same when the configuration moves to another directory. */
function tableName({ url, schema, trail }: AuditDatabaseConfig): string {
  const source = "path" in url ? { file: basename(url.path) } : url;
  return `${schema}.audit_line-${hash("sha256", JSON.stringify([source, schema, trail])).slice(0, 12)}`;
}

function headBeside(key: string, file: string): string {
  return join(dirname(key), `${basename(file)}.head`);
}
