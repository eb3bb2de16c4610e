import { randomFillSync } from "node:crypto";

const pool = new Uint8Array(4_096);
let used = pool.length;

/**
 * Random bytes from the system, as an own copy. Asked for in pages, as asking costs more than the bytes do; what is
 * handed out is gone from the pool. @param length at most 4,096
 */
export function randomOwn(length: number): Uint8Array {
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.slice(used, used + length);
  pool.fill(0, used, used + length);
  used += length;
  return bytes;
}
