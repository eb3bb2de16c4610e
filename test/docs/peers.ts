import { accessSync, constants, globSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { root } from "./markdown.js";

const cached = globSync(".cache/peers/**/grpcurl", { cwd: root }).map((path) => dirname(join(root, path)));

/** Folders that hold the programs of others, before those of `PATH`. */
export const peerFolders: readonly string[] = cached.filter((folder) => isProgram(join(folder, "grpcurl")));

/** A Python with LiteLLM and our package in it, as the reader of docs/litellm.md makes one. */
export const litellmFolder: string = join(root, ".cache/peers/litellm");

/** Whether LiteLLM can be run. */
export const hasLiteLlm: boolean = isProgram(join(litellmFolder, "bin/litellm"));

/** Whether a missing peer is a failure rather than a reason to skip. */
export const requiresPeers: boolean = process.env["SECRET_BROKER_REQUIRE_PEERS"] === "1";

/** Whether a program can be run by its name. */
export function hasProgram(name: string): boolean {
  const folders = [...peerFolders, ...(process.env["PATH"] ?? "").split(delimiter)];
  return folders.some((folder) => isProgram(join(folder, name)));
}

/** Whether grpcurl can be run. */
export const hasGrpcurl: boolean = hasProgram("grpcurl");

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
