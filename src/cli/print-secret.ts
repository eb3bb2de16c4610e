import type { ReadFound } from "../client/read-secret.js";
import type { Payload } from "../domain/payload.js";
import type { CliOutput } from "./cli-output.js";
import { UsageError } from "./usage-error.js";

/**
 * Prints a payload; a text is followed by a line break unless its exact bytes are wanted.
 * @throws UsageError for bytes that would go to a terminal
 */
export async function printPayload(output: CliOutput, payload: Payload, isExact: boolean): Promise<void> {
  if (typeof payload === "string") {
    await output.result(isExact ? payload : `${payload}\n`);
    return;
  }
  if (output.isTerminal) {
    throw new UsageError("the value is binary; send it to a file or a pipe, or use --json, which has it in base64");
  }
  await output.result(payload);
}

/** A secret that was read, for `--json`. */
export function documentOf({ secret, servedFrom, ageMs }: ReadFound): unknown {
  const { payload, name, uid, version, ...rest } = secret;
  const value = typeof payload === "string" ? { text: payload } : { binary: Buffer.from(payload).toString("base64") };
  return { name, uid, version, ...value, ...rest, servedFrom, ageMs };
}
