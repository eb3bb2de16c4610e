import { createStreamSink } from "../audit/stream-sink.js";
import { openFileSink } from "../audit/file-sink.js";
import type { AuditSink } from "../audit/audit-sink.js";
import type { AuditConfig } from "../config/config.js";
import { SecretError } from "../domain/secret-error.js";

/**
 * Opens the place audit records go to.
 * @throws SecretError `CONFIG_INVALID` when a file cannot be opened for appending
 */
export async function openAuditSink(config: AuditConfig): Promise<AuditSink> {
  if (config.sink === "stdout") return createStreamSink(process.stdout, "stdout");
  try {
    return await openFileSink(config.path);
  } catch (cause) {
    const message = `cannot append to the audit file "${config.path}"; check that its directory can be written`;
    throw new SecretError("CONFIG_INVALID", message, { cause });
  }
}
