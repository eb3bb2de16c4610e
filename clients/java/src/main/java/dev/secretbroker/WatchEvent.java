package dev.secretbroker;

import java.time.Instant;

/** What a watch is told. */
public sealed interface WatchEvent {
  /**
   * A secret is new or has another active version.
   *
   * @param initial whether it existed when the subscription began
   */
  record Changed(Secret secret, boolean initial) implements WatchEvent {}

  /**
   * A secret is gone, or the caller may watch it no longer.
   *
   * @param uid the generation that ended; empty when it is not known
   */
  record Removed(String name, String uid) implements WatchEvent {}

  /**
   * Everything up to a revision has been told.
   *
   * @param revision what to resume from; 0 when the manager keeps none
   */
  record Synced(long revision) implements WatchEvent {}

  /**
   * The stream is alive.
   *
   * @param currentTime when the broker last knew everything to be current, by its own clock
   * @param revision what to resume from; 0 when the manager keeps none
   */
  record Heartbeat(Instant currentTime, long revision) implements WatchEvent {}
}
