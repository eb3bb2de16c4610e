import type { Verification } from "../audit/verify-chain.js";

/**
 * What a verification cannot tell, or found and is no fault, each in a sentence.
 * @param from whether files that end before a time were left out: then nobody misses what is in them
 */
export function trailNotes(
  { torn, chains, missingBefore }: Pick<Verification, "torn" | "chains" | "missingBefore">,
  from: Date | undefined,
): readonly string[] {
  const notes: string[] = [];
  if (torn > 0) notes.push(`${String(torn)} bytes belong to no record; a crash left them, and nobody was answered`);
  if (chains > 1)
    notes.push(`${String(chains)} chains follow each other; nothing tells whether the end of each is there`);
  if (missingBefore > 0 && from === undefined)
    notes.push(
      `${String(missingBefore)} links before the first one are not here; make sure that they are kept elsewhere`,
    );
  return notes;
}
