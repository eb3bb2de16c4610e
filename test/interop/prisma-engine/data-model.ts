import { createRequire } from "node:module";
import { join } from "node:path";

/** Models by their names, each with the types of its fields. */
export type DataModel = ReadonlyMap<string, ReadonlyMap<string, string>>;

interface SchemaModule {
  get_datamodel(parameters: string): string;
}

interface ParsedModel {
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: string }[];
}

/** Reads the models of a `schema.prisma` with Prisma's own parser. */
export function readDataModel(packages: string, schema: string): DataModel {
  const require = createRequire(join(packages, "package.json"));
  const parser = require("@prisma/prisma-schema-wasm") as SchemaModule;
  const parsed = parser.get_datamodel(JSON.stringify({ prismaSchema: [["schema.prisma", schema]] }));
  const { models } = JSON.parse(parsed) as { models: readonly ParsedModel[] };
  return new Map(models.map(({ name, fields }) => [name, new Map(fields.map((field) => [field.name, field.type]))]));
}
