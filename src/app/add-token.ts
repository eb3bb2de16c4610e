import { readFile } from "node:fs/promises";
import { Document, isSeq, parseDocument, YAMLSeq } from "yaml";
import { tokensSchema } from "../config/authentication-schema.js";
import { parseListFile } from "../config/list-file.js";
import { createAccessToken, hashOfToken } from "../identity/access-token.js";
import { replaceFile } from "./replace-file.js";

/** Whose a token is to be. */
export interface TokenRequest {
  readonly principal: string;
  readonly groups: readonly string[];
  /** Undefined for one that does not expire. */
  readonly expires: Date | undefined;
}

/** What the file keeps of a token. */
export interface TokenLine {
  readonly principal: string;
  readonly hash: string;
  readonly groups?: readonly string[];
  readonly expires?: string;
}

/** A new token, which is nowhere else, and what is to be kept of it. */
export interface CreatedToken {
  readonly token: string;
  readonly entry: TokenLine;
}

/** Makes a token. */
export function createToken({ principal, groups, expires }: TokenRequest): CreatedToken {
  const token = createAccessToken();
  const entry = {
    principal,
    hash: hashOfToken(token),
    ...(groups.length > 0 && { groups }),
    ...(expires !== undefined && { expires: expires.toISOString() }),
  };
  return { token, entry };
}

/**
 * Adds what is kept of a token to a file, which is made when it is missing; what else stands in it stays. A broker that
 * uses the file takes the token over.
 * @throws ConfigError when the file is not one of tokens; it is as it was then
 */
export async function addToken(file: string, entry: TokenLine): Promise<void> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  });
  parseListFile({ key: "tokens", schema: tokensSchema }, text, file);
  const document = text.trim() === "" ? new Document({ tokens: [] }) : parseDocument(text);
  const list = document.get("tokens");
  if (isSeq(list)) {
    // Written as a block, one entry after the other, however short the list was.
    list.flow = false;
    list.add(document.createNode(entry));
  } else {
    document.set("tokens", Object.assign(new YAMLSeq(), { items: [document.createNode(entry)] }));
  }
  await replaceFile(file, document.toString());
}
