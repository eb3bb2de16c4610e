/** What a cache counts; plain numbers that the exporter reads. */
export class CacheCounts {
  /** Reads answered from it, within its time to live. */
  hits = 0;
  /** Reads answered from it because the manager could not be asked. */
  stale = 0;
  /** Reads that had the manager asked. */
  misses = 0;
  /** Reads that waited for a question of another one. */
  joined = 0;
  /** Reads refused as all there was, was too old. */
  tooOld = 0;
  /** Questions in the background. */
  refreshes = 0;
  /** Answers that had to make room. */
  evictions = 0;
  /** Kept now. */
  entries = 0;
  bytes = 0;
}
