import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What V8 does before it gives up for want of memory: it returns the room of young objects too, as no other kind does. */
const everything = { type: "major", execution: "sync", flavor: "last-resort" };

/** What is collected within some tenths of a second; a heap that is larger would hold up the start for more. */
const maxHeapBytes = 64 * 1024 * 1024;

/**
 * Gives the memory back to the system that a start has used: what it leaves behind is garbage, which V8 would collect
 * only when new objects need the room, and its room for young objects has grown as if many calls were under way. Takes
 * a tenth of a second, once; a large heap is left as it is.
 */
export function collectGarbage(): void {
  if (getHeapStatistics().used_heap_size > maxHeapBytes) return;
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  if (typeof gc === "function") Reflect.apply(gc, undefined, [everything]);
}
