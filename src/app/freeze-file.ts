import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { Freeze, FreezeKeeper } from "../broker/freezes.js";
import { SecretError } from "../domain/secret-error.js";
import { type SecretName, secretNameProblem } from "../domain/secret-name.js";
import { replaceFile } from "./replace-file.js";

const directoryMode = 0o700;

const documentSchema = z.strictObject({
  frozen: z.array(
    z.strictObject({
      name: z.string().refine((name) => secretNameProblem(name) === undefined),
      cause: z.string(),
      principal: z.string(),
      time: z.iso.datetime(),
    }),
  ),
});

/** Keeps freezes in a file of JSON, replaced as a whole. It is made with the first freeze. */
export function createFreezeFile(path: string): FreezeKeeper {
  return {
    load: async () => {
      const text = await readFile(path, "utf8").catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw new SecretError("CONFIG_INVALID", `the file of freezes "${path}" cannot be read`, { cause: error });
      });
      return text === undefined ? new Map<SecretName, Freeze>() : parseFreezes(text, path);
    },
    save: async (freezes) => {
      try {
        await mkdir(dirname(path), { recursive: true, mode: directoryMode });
        await replaceFile(path, formatFreezes(freezes));
      } catch (cause) {
        const message = `the freezes in force could not be kept in "${path}", and end with a restart`;
        throw new SecretError("CONFIG_INVALID", message, { cause });
      }
    },
  };
}

/** A file that cannot be understood is refused: to go on without it would release what is frozen. */
function parseFreezes(text: string, path: string): ReadonlyMap<SecretName, Freeze> {
  try {
    const { frozen } = documentSchema.parse(JSON.parse(text));
    return new Map(frozen.map(({ name, time, ...rest }) => [name as SecretName, { ...rest, time: new Date(time) }]));
  } catch {
    const advice = "correct it, or remove it to end every freeze";
    throw new SecretError("CONFIG_INVALID", `the file of freezes "${path}" is damaged; ${advice}`);
  }
}

function formatFreezes(freezes: ReadonlyMap<SecretName, Freeze>): string {
  const frozen = Array.from(freezes, ([name, { time, ...rest }]) => ({ name, ...rest, time: time.toISOString() }));
  return `${JSON.stringify({ frozen }, undefined, 2)}\n`;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
