package dev.secretbroker;

import java.time.Instant;
import java.util.OptionalLong;

/**
 * Finds out until when a watch is known to be current, without comparing this machine's clock with the broker's.
 *
 * <p>Everything that is sent up to a sync marker was read after the subscription before it was sent. A heartbeat whose time
 * differs from the one before it was made after the manager had been asked in between. So a proof is rather too old than too
 * young, by one heartbeat at most. Points in time are those of {@link System#nanoTime()}. For one thread.
 */
final class Currency {
  private OptionalLong asked;
  private long heardAt;
  private Instant beatTime;
  private long beatAt;

  Currency(long asked) {
    this.asked = OptionalLong.of(asked);
    this.heardAt = asked;
  }

  void heard(long now) {
    heardAt = now;
  }

  /** Notes that everything is asked for again, unless an answer is still due. */
  boolean ask(long now) {
    if (asked.isPresent()) {
      return false;
    }
    asked = OptionalLong.of(now);
    return true;
  }

  /** What a sync marker proves. */
  OptionalLong synced() {
    OptionalLong proven = asked;
    asked = OptionalLong.empty();
    return proven;
  }

  /** What a heartbeat proves. */
  OptionalLong beat(Instant brokerTime, long now) {
    OptionalLong proven =
        beatTime != null && !brokerTime.equals(beatTime) ? OptionalLong.of(beatAt) : OptionalLong.empty();
    beatTime = brokerTime;
    beatAt = now;
    return proven;
  }

  /** Whether an answer is due and nothing at all has come for too long. */
  boolean isQuiet(long now, long boundNanos) {
    return asked.isPresent() && now - heardAt > boundNanos && now - asked.getAsLong() > boundNanos;
  }
}
