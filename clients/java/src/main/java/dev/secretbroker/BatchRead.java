package dev.secretbroker;

/** One read of a batch. */
public record BatchRead(String name, ReadOptions options) {
  /** Reads the active version. */
  public BatchRead(String name) {
    this(name, new ReadOptions());
  }
}
