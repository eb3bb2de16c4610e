import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type FieldDescriptorProto,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, it, onTestFinished } from "vitest";
import { staleStubs } from "../../scripts/stub-descriptors.ts";
import { descriptorFiles } from "../../src/gen/descriptor-set.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const python = "clients/python/src/secret_broker/_generated/secretbroker/v1/secret_pb2.py";
const go = "clients/go/gen/secretbroker/v1/secret.pb.go";

/** What the server speaks, after a change. */
function descriptors(change: (file: FileDescriptorProto) => void = () => undefined): Uint8Array {
  const file = descriptorFiles.map(({ descriptor }) =>
    fromBinary(FileDescriptorProtoSchema, Buffer.from(descriptor, "base64")),
  );
  file.forEach(change);
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));
}

/** A change to the file both languages have as secret: to its first message's first field. */
function inField(change: (field: FieldDescriptorProto) => void): (file: FileDescriptorProto) => void {
  return ({ name, messageType: [message] }) => {
    const field = message?.field[0];
    if (name === "secretbroker/v1/secret.proto" && field !== undefined) change(field);
  };
}

describe("the stubs of the clients for Go and Python", () => {
  it("come from the .proto files as they are", () => {
    expect(staleStubs(descriptors(), root)).toEqual([]);
  });

  it.each([
    ["is renamed", inField((field) => (field.name = "other"))],
    ["has another number", inField((field) => (field.number = 99))],
    ["has another type", inField((field) => (field.type = FieldDescriptorProto_Type.BYTES))],
  ])("are stale when a field %s", (_title, change) => {
    expect(staleStubs(descriptors(change), root)).toEqual([
      `${go} is out of date; run \`npm run generate:clients\``,
      `${python} is out of date; run \`python3 clients/python/generate.py\``,
    ]);
  });

  it("are missing, left over, or not to be read", () => {
    const copy = mkdtempSync(join(tmpdir(), "stubs-"));
    onTestFinished(() => rmSync(copy, { recursive: true }));
    for (const folder of ["clients/go/gen", "clients/python/src/secret_broker/_generated"]) {
      cpSync(join(root, folder), join(copy, folder), { recursive: true });
    }
    const source = readFileSync(join(copy, go), "utf8");
    writeFileSync(join(copy, "clients/go/gen/secretbroker/v1/old.pb.go"), source);
    writeFileSync(join(copy, go), source.replaceAll("_rawDesc", "_otherDesc"));
    rmSync(join(copy, python));
    expect(staleStubs(descriptors(), copy)).toEqual([
      "clients/go/gen/secretbroker/v1/old.pb.go comes from no .proto file any more; run `npm run generate:clients`",
      `${go} holds no descriptor that can be found; run \`npm run generate:clients\``,
      `${python} is missing; run \`python3 clients/python/generate.py\``,
    ]);
  });
});
