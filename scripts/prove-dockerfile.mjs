// Does what the Dockerfile does, without a container engine: for each stage a clean folder that holds what its COPYs
// bring, in which every RUN really runs. Then the program must start with nothing but its production dependencies.
// usage: node scripts/prove-dockerfile.mjs [CONTEXT]
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import { readDockerfile } from "./read-dockerfile.ts";
import { root } from "./run-tool.mjs";

const context = resolve(process.argv[2] ?? root);

/** What npm and Node tell the scripts they run, which would lead the stage's own npm back here. */
const notInherited = /^(npm_(?!config_)|npm_config_(local_|global_)?prefix$|NODE_(ENV|OPTIONS|PATH)$)/u;

/** This Node first, and none of this repository's programs, as in the image. */
function imageEnvironment(variables) {
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  const inherited = Object.entries(process.env).filter(([name]) => !notInherited.test(name));
  return {
    ...Object.fromEntries(inherited),
    PATH: [dirname(process.execPath), ...path].join(delimiter),
    ...variables,
  };
}

/** Where a path of the image lies in the stage's folder. */
function inStage(stage, path) {
  return join(stage.folder, isAbsolute(path) ? path : join(stage.workdir, path));
}

function copy(stage, { flags, words }, stages) {
  const source = flags.has("from") ? stages.get(flags.get("from")) : undefined;
  if (flags.has("from") && source === undefined) throw new Error(`no stage is called ${flags.get("from")}`);
  const target = words.at(-1);
  for (const word of words.slice(0, -1)) {
    const from = source === undefined ? join(context, word) : inStage(source, word);
    const into = inStage(stage, target);
    const isFolder = statSync(from).isDirectory();
    // As in an image: a folder's contents are copied, a file goes into a target that ends with a slash.
    const to = !isFolder && target.endsWith("/") ? join(into, basename(word)) : into;
    cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  }
}

function run(stage, { words, text, line }) {
  console.log(`line ${String(line)}: RUN ${text}`);
  const [program, ...parameters] = text.startsWith("[") ? words : ["sh", "-c", text];
  const { status } = spawnSync(program, parameters, {
    cwd: inStage(stage, "."),
    env: imageEnvironment(stage.variables),
    stdio: "inherit",
  });
  if (status !== 0) throw new Error(`line ${String(line)} exited with ${String(status)}`);
}

const actions = {
  WORKDIR: (stage, { text }) => {
    stage.workdir = isAbsolute(text) ? text : join(stage.workdir, text);
    mkdirSync(inStage(stage, "."), { recursive: true });
  },
  ENV: (stage, { words }) => Object.assign(stage.variables, Object.fromEntries(words.map((word) => word.split("=")))),
  COPY: copy,
  RUN: run,
};

function proveStages(folder) {
  const stages = new Map();
  const dockerfile = readDockerfile(readFileSync(join(context, "Dockerfile"), "utf8"));
  for (const [index, { name, instructions }] of dockerfile.entries()) {
    const stage = { folder: join(folder, String(index)), workdir: "/", variables: {} };
    mkdirSync(stage.folder);
    for (const instruction of instructions) actions[instruction.keyword]?.(stage, instruction, stages);
    stages.set(name === "" ? String(index) : name, stage);
  }
  return [...stages.values()].at(-1);
}

function readJson(file) {
  return JSON.parse(readFileSync(join(context, file), "utf8"));
}

/** The last stage must hold no package that only development needs, and its program must start. */
function proveProgram(stage) {
  const { version } = readJson("package.json");
  const onlyDevelopment = Object.entries(readJson("package-lock.json").packages).filter(([, { dev }]) => dev === true);
  const left = onlyDevelopment.map(([path]) => path).filter((path) => existsSync(inStage(stage, path)));
  if (left.length > 0) throw new Error(`development dependencies in the image: ${left.join(", ")}`);
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/main.js", "--version"], {
    cwd: inStage(stage, "."),
    encoding: "utf8",
    env: imageEnvironment(stage.variables),
  });
  if (status !== 0) throw new Error(`node dist/main.js --version exited with ${String(status)}\n${stderr}`);
  if (!stdout.includes(version)) throw new Error(`node dist/main.js --version printed no ${version}`);
  console.log(`node dist/main.js --version: ${stdout.trim()}`);
}

const folder = mkdtempSync(join(tmpdir(), "secret-broker-image-"));
try {
  proveProgram(proveStages(folder));
} catch (failure) {
  console.error(failure instanceof Error ? failure.message : failure);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
