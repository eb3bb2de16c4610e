// Prints what Prisma's own program would ask a generator to do with a schema; that program needs engines which it
// downloads, and this only the schema's WebAssembly. usage: node write-generator-request.mjs PACKAGES SCHEMA
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import process from "node:process";

const [packages, schemaPath] = process.argv.slice(2);
const require = createRequire(resolve(packages, "package.json"));
const { get_config: getConfig, get_dmmf: getModel } = require("@prisma/prisma-schema-wasm");
const { version } = require("@prisma/prisma-schema-wasm/package.json");

const datamodel = readFileSync(schemaPath, "utf8");
const prismaSchema = [[schemaPath, datamodel]];
const options = { prismaSchema, datasourceOverrides: {}, ignoreEnvVarErrors: true, env: {} };
const { config } = JSON.parse(getConfig(JSON.stringify(options)));
const [generator] = config.generators;
const request = {
  datamodel,
  version: version.split(".").at(-1),
  generator,
  dmmf: JSON.parse(getModel(JSON.stringify({ prismaSchema, noColor: true }))),
  schemaPath,
  datasources: config.datasources,
  otherGenerators: [],
  binaryPaths: {},
};
process.stdout.write(JSON.stringify(request));
