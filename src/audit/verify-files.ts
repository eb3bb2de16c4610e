import type { AuditVerifier } from "./audit-key.js";
import { type ChainEnd, maxLineBytes } from "./chain-link.js";
import { openRegularFile } from "./regular-file.js";
import { ChainVerifier, type Verification } from "./verify-chain.js";

const newline = 0x0a;
const chunkBytes = 1024 * 1024;

/** What a verification is told beside the chain's faults. */
export interface VerifyOptions {
  readonly verifier: AuditVerifier;
  /** A link that must be there. */
  readonly expected?: ChainEnd | undefined;
  /** How many bytes of the last file to look at; all unless given, as a running broker goes on writing. */
  readonly lastFileBytes?: number | undefined;
  /** Shown every line, with what the chain says of it so far. */
  readonly onLine?: ((line: Buffer) => void) | undefined;
}

/**
 * Verifies files that follow each other, the oldest first.
 * @throws Error the system's, when one cannot be read
 */
export async function verifyFiles(files: readonly string[], options: VerifyOptions): Promise<Verification> {
  const verifier = new ChainVerifier(options.verifier, options.expected);
  for (const [index, file] of files.entries()) {
    const isLast = index === files.length - 1;
    const bytes = isLast ? options.lastFileBytes : undefined;
    await verifyFile(verifier, file, { bytes, onLine: options.onLine });
  }
  return verifier.finish();
}

async function verifyFile(
  verifier: ChainVerifier,
  file: string,
  { bytes, onLine }: { readonly bytes: number | undefined } & Pick<VerifyOptions, "onLine">,
): Promise<void> {
  if (bytes === 0) return;
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  // Whether a part of the line was taken already, which is too long to be one of a trail.
  let isLong = false;
  await using handle = await openRegularFile(file);
  const stream = handle.createReadStream({
    ...{ autoClose: false, highWaterMark: chunkBytes },
    ...(bytes !== undefined && { end: bytes - 1 }),
  });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = text.indexOf(newline); end !== -1; end = text.indexOf(newline, start)) {
      line += 1;
      const whole = text.subarray(start, end);
      if (isLong) {
        verifier.takeRest(text.subarray(start, end + 1), { file, line });
      } else {
        verifier.take(whole, { file, line });
        onLine?.(whole);
      }
      isLong = false;
      start = end + 1;
    }
    rest = text.subarray(start);
    if (rest.length > maxLineBytes) {
      verifier.takeRest(rest, { file, line: line + 1 });
      rest = Buffer.alloc(0);
      isLong = true;
    }
  }
  if (rest.length > 0) verifier.takeRest(rest, { file, line: line + 1 });
}
