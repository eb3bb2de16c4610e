import { existsSync, readFileSync, realpathSync } from "node:fs";
import { Document, isSeq, parseDocument, YAMLSeq } from "yaml";
import { tokensSchema } from "../config/authentication-schema.js";
import { ConfigError } from "../config/config-error.js";
import { parseListFile } from "../config/list-file.js";
import { SecretError } from "../domain/secret-error.js";
import { changeFailure, changeFile } from "../encryption/change-file.js";
import { createAccessToken, hashOfToken } from "../identity/access-token.js";

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
 * Adds what is kept of a token to a file, which is made when it is missing; what else stands in it stays, also what other
 * processes add meanwhile. A broker that uses the file takes the token over.
 * @throws ConfigError when the file is not one of tokens
 * @throws SecretError `CONFIG_INVALID` when it cannot be changed; it is as it was then
 */
export function addToken(file: string, entry: TokenLine): void {
  try {
    // The file itself, where the path is a link to it: the link must not become a file beside it.
    const target = existsSync(file) ? realpathSync(file) : file;
    changeFile(target, (replace) => {
      replace(withToken(existsSync(target) ? readFileSync(target, "utf8") : "", entry, file));
    });
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new SecretError("CONFIG_INVALID", `the file of tokens ${file} ${changeFailure(error)}`, { cause: error });
  }
}

/** The text of the file with one more token. @throws ConfigError when it is not one of tokens */
function withToken(text: string, entry: TokenLine, file: string): string {
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
  return document.toString();
}
