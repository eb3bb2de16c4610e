package dev.secretbroker;

import java.time.Duration;
import java.util.Optional;

/**
 * What a read is answered with.
 *
 * @param version the active version; 0 when the manager keeps none
 * @param found the secret; empty when the version the caller has is still the active one
 * @param age how long ago the manager gave this answer; zero when it was asked for this call
 */
public record Answer(String name, int version, Optional<Secret> found, ServedFrom servedFrom, Duration age) {
  /** Where an answer came from. */
  public enum ServedFrom {
    MANAGER,
    CACHE,
    STALE
  }

  /** Whether the version the caller has is still the active one. */
  public boolean notModified() {
    return found.isEmpty();
  }

  /**
   * The secret.
   *
   * @throws java.util.NoSuchElementException when the answer is {@link #notModified()}, which only a read with a known
   *     version gets
   */
  public Secret secret() {
    return found.orElseThrow();
  }

  /** The secret's payload as text; see {@link #secret()}. */
  public String text() {
    return secret().payload().text();
  }
}
