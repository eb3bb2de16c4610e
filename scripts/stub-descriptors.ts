// What the clients' committed stubs were generated from, read out of them: generated code carries its .proto file's descriptor. So
// stale stubs show where no generator of their language is installed.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

/** Stubs of one language: a file for each .proto file, and how to find the descriptor in it. */
interface StubLanguage {
  readonly folder: string;
  readonly suffix: string;
  readonly descriptor: (source: string) => Buffer | undefined;
  readonly command: string;
}

const languages: readonly StubLanguage[] = [
  {
    folder: "clients/go/gen",
    suffix: ".pb.go",
    descriptor: (source) => {
      const literals = /_rawDesc = "" \+\n((?:\t"(?:[^"\\\n]|\\.)*"(?: \+)?\n)+)/u.exec(source)?.[1];
      return literals === undefined ? undefined : unescaped(literals.replaceAll(/^\t"|"(?: \+)?\n/gmu, ""));
    },
    command: "npm run generate:clients",
  },
  {
    folder: "clients/python/src/secret_broker/_generated",
    suffix: "_pb2.py",
    descriptor: (source) => {
      const literal = /AddSerializedFile\(b'((?:[^'\\\n]|\\.)*)'\)/u.exec(source)?.[1];
      return literal === undefined ? undefined : unescaped(literal);
    },
    command: "python3 clients/python/generate.py",
  },
];

/**
 * What is wrong with the committed stubs, one line each; none when they say what the .proto files say.
 * @param descriptors a `google.protobuf.FileDescriptorSet` of the .proto files
 */
export function staleStubs(descriptors: Uint8Array, root: string): string[] {
  const wanted = new Map(
    fromBinary(FileDescriptorSetSchema, descriptors)
      .file.filter(({ name }) => name.startsWith("secretbroker/"))
      .map((file) => [file.name.replace(/\.proto$/u, ""), contentOf(file)]),
  );
  return languages.flatMap((language) => staleIn(language, wanted, root));
}

function staleIn(
  { folder, suffix, descriptor, command }: StubLanguage,
  wanted: Map<string, Buffer>,
  root: string,
): string[] {
  const cwd = join(root, folder);
  const ends = (path: string): boolean => path.endsWith(suffix) && !path.endsWith(`_grpc${suffix}`);
  const there = globSync(`**/*${suffix}`, { cwd }).filter(ends);
  const stems = new Set([...wanted.keys(), ...there.map((path) => path.slice(0, -suffix.length))]);
  return [...stems].sort().flatMap((stem) => {
    const path = `${stem}${suffix}`;
    const why = there.includes(path)
      ? wrongIn(readFileSync(join(cwd, path), "utf8"), descriptor, wanted.get(stem))
      : "is missing";
    return why === undefined ? [] : [`${folder}/${path} ${why}; run \`${command}\``];
  });
}

function wrongIn(source: string, read: StubLanguage["descriptor"], wanted: Buffer | undefined): string | undefined {
  if (wanted === undefined) return "comes from no .proto file any more";
  const bytes = read(source);
  if (bytes === undefined) return "holds no descriptor that can be found";
  return contentOf(fromBinary(FileDescriptorProtoSchema, bytes)).equals(wanted) ? undefined : "is out of date";
}

/** A file without what generators add or leave out: comments, names for JSON, and where a language puts the code. */
function contentOf(file: FileDescriptorProto): Buffer {
  delete file.sourceCodeInfo;
  delete file.options;
  for (const message of file.messageType) forgetJsonNames(message);
  return Buffer.from(toBinary(FileDescriptorProtoSchema, file));
}

function forgetJsonNames(message: DescriptorProto): void {
  for (const field of message.field) field.jsonName = "";
  for (const nested of message.nestedType) forgetJsonNames(nested);
}

const letters: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

/** The bytes of a literal of Go's or Python's: text, with escapes for single bytes and for letters. */
function unescaped(literal: string): Buffer {
  const parts = literal.match(/\\(?:x[0-9a-f]{2}|[0-7]{1,3}|u[0-9a-f]{4}|.)|[^\\]+/gu) ?? [];
  return Buffer.concat(parts.map((part) => (part.startsWith("\\") ? escaped(part.slice(1)) : Buffer.from(part))));
}

function escaped(escape: string): Buffer {
  if (escape.startsWith("x")) return Buffer.of(Number.parseInt(escape.slice(1), 16));
  if (/^[0-7]/u.test(escape)) return Buffer.of(Number.parseInt(escape, 8));
  if (/^u./u.test(escape)) return Buffer.from(String.fromCodePoint(Number.parseInt(escape.slice(1), 16)));
  const letter = letters[escape];
  return letter === undefined ? Buffer.from(escape) : Buffer.of(letter);
}
