package dev.secretbroker;

import java.time.Duration;

/**
 * How calls that may be repeated are tried again: those that only read, and changes that carry an idempotency id.
 *
 * @param attempts how often a call is tried at most, 1 to 10; 1 is once only
 * @param baseDelay the longest pause before the second attempt; it doubles with each one
 * @param maxDelay the longest pause of all, unless the broker asks for a longer one; at most a day
 */
public record RetryOptions(int attempts, Duration baseDelay, Duration maxDelay) {
  private static final int MOST_ATTEMPTS = 10;

  public RetryOptions {
    if (attempts < 1 || attempts > MOST_ATTEMPTS) {
      String rule = "must be a whole number from 1 to " + MOST_ATTEMPTS;
      throw SecretBrokerException.invalidField("retry.attempts", rule);
    }
    if (maxDelay.compareTo(Duration.ofDays(1)) > 0) {
      throw SecretBrokerException.invalidField("retry.max_delay", "must be at most a day");
    }
    if (baseDelay.isNegative() || baseDelay.compareTo(maxDelay) > 0) {
      String rule = "must not be negative, and not be above retry.max_delay";
      throw SecretBrokerException.invalidField("retry.base_delay", rule);
    }
  }

  /** Three attempts, with pauses from 0.1 to 2 seconds. */
  public RetryOptions() {
    this(3, Duration.ofMillis(100), Duration.ofSeconds(2));
  }

  /** The same pauses for another number of attempts. */
  public RetryOptions withAttempts(int attempts) {
    return new RetryOptions(attempts, baseDelay, maxDelay);
  }
}
