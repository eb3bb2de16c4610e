package dev.secretbroker;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;

/** Decides whether and when a failed call is tried again, within a budget for all calls of a client. */
final class Retries {
  /** A broken broker is not asked much more often than a whole one: so many retries at once, and one for ten answers. */
  private static final double BUDGET = 10;

  private static final double REFILL_PER_ANSWER = 0.1;

  private final RetryOptions options;
  private final DoubleSupplier spread;
  private final CountDownLatch closed = new CountDownLatch(1);
  private double budget = BUDGET;

  Retries(RetryOptions options) {
    this(options, () -> ThreadLocalRandom.current().nextDouble());
  }

  /** With what is to be a number from 0 to 1. */
  Retries(RetryOptions options, DoubleSupplier spread) {
    this.options = options;
    this.spread = spread;
  }

  synchronized void noteAnswer() {
    budget = Math.min(budget + REFILL_PER_ANSWER, BUDGET);
  }

  private synchronized boolean spend() {
    if (budget < 1) {
      return false;
    }
    budget--;
    return true;
  }

  /** The nanoseconds to wait after so many attempts, where so many are left; empty when that was the last. */
  OptionalLong delayAfter(SecretBrokerException failure, int attempt, long remaining) {
    if (attempt >= options.attempts() || !failure.reason().passes()) {
      return OptionalLong.empty();
    }
    double longest = options.baseDelay().toNanos() * Math.pow(2, attempt - 1);
    double delay = Math.min(longest, options.maxDelay().toNanos()) * spread.getAsDouble();
    Optional<Duration> asked = failure.retryDelay();
    if (asked.isPresent()) {
      // What the broker asks for is the least; those who were told the same do not come back together.
      delay = asked.get().toMillis() * 1e6 * (1 + spread.getAsDouble() / 10);
    }
    return delay < remaining && spend() ? OptionalLong.of((long) delay) : OptionalLong.empty();
  }

  /** Waits before the next attempt; whether there is one. */
  boolean pauseAfter(SecretBrokerException failure, int attempt, long remaining) {
    OptionalLong delay = closed.getCount() == 0 ? OptionalLong.empty() : delayAfter(failure, attempt, remaining);
    try {
      return delay.isPresent() && !closed.await(delay.getAsLong(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Ends every pause. */
  void close() {
    closed.countDown();
  }
}
