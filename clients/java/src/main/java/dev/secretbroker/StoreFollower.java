package dev.secretbroker;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;

/** Keeps a watch going that feeds a store, on a thread of its own, until it is closed. */
final class StoreFollower implements AutoCloseable {
  private static final long FIRST_RETRY_MS = 100;
  private static final long LONGEST_RETRY_MS = 5_000;
  private static final long LONGEST_DELAY_MS = 60_000;

  private final SecretBrokerClient client;
  private final StoreOptions.Snapshot options;
  private final HeldSecrets held;
  private final LongSupplier nanoTime;
  private final Duration tick;
  private final long boundNanos;
  private final Thread thread = new Thread(this::run, "secret-store");

  StoreFollower(
      SecretBrokerClient client,
      StoreOptions.Snapshot options,
      HeldSecrets held,
      LongSupplier nanoTime,
      Duration tick) {
    this.client = client;
    this.options = options;
    this.held = held;
    this.nanoTime = nanoTime;
    this.tick = tick;
    this.boundNanos = options.maxStaleness().toNanos();
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  private void run() {
    long waitMs = FIRST_RETRY_MS;
    try {
      while (!Thread.interrupted()) {
        OptionalLong before = held.asOf();
        SecretBrokerException why = follow();
        if (!held.asOf().equals(before)) {
          waitMs = FIRST_RETRY_MS;
        }
        held.lose(why).forEach(this::tell);
        Thread.sleep(pauseMs(waitMs, why));
        waitMs = Math.min(2 * waitMs, LONGEST_RETRY_MS);
        client.reconnect();
      }
    } catch (InterruptedException closed) {
      // The store is closed.
    }
  }

  /** Spreads many stores that lost one broker, and waits as long as the broker asks. */
  private static long pauseMs(long waitMs, SecretBrokerException why) {
    long spread = waitMs / 2 + ThreadLocalRandom.current().nextLong(waitMs);
    return Math.max(spread, Math.min(why.retryDelay().orElse(Duration.ZERO).toMillis(), LONGEST_DELAY_MS));
  }

  /** Watches until the stream ends, and tells why it did. */
  private SecretBrokerException follow() throws InterruptedException {
    HeldSecrets.Claims claims = held.claims();
    Currency currency = new Currency(nanoTime.getAsLong());
    try (Watch watch = client.watch(subscription(claims.known()))) {
      while (true) {
        var event = watch.next(tick);
        long now = nanoTime.getAsLong();
        if (event.isPresent()) {
          currency.heard(now);
          take(event.get(), watch, currency, claims.unclaimed());
        }
        if (currency.isQuiet(now, boundNanos)) {
          return SecretBrokerException.fromCall(
              Status.UNAVAILABLE.withDescription("the watch has gone quiet").asException());
        }
        if (isDue(now) && currency.ask(now)) {
          watch.subscribe(subscription(Map.of()));
        }
      }
    } catch (RuntimeException why) {
      // Whatever a broker sends that makes no sense ends this watch, not the thread.
      return SecretBrokerException.fromCall(why);
    }
  }

  private void take(WatchEvent event, Watch watch, Currency currency, Set<String> unclaimed) {
    if (event instanceof WatchEvent.Changed changed) {
      Secret secret = changed.secret();
      unclaimed.remove(secret.name());
      held.hold(secret);
      tell(secret.name());
      // 0 would say that it was dropped; a manager without versions has none to acknowledge.
      if (secret.version() != 0) {
        watch.ack(secret.name(), secret.version());
      }
    } else if (event instanceof WatchEvent.Removed removed) {
      unclaimed.remove(removed.name());
      drop(removed.name());
      watch.ack(removed.name(), 0);
    } else if (event instanceof WatchEvent.Synced) {
      // What could not be claimed, and was not sent again, is gone.
      unclaimed.forEach(this::drop);
      unclaimed.clear();
      held.prove(currency.synced());
    } else if (event instanceof WatchEvent.Heartbeat beat) {
      held.prove(currency.beat(beat.currentTime(), nanoTime.getAsLong()));
    }
  }

  /** Whether half of the bound has passed without a sign that nothing has changed. */
  private boolean isDue(long now) {
    OptionalLong asOf = held.asOf();
    return asOf.isPresent() && now - asOf.getAsLong() >= boundNanos / 2;
  }

  private Subscription subscription(Map<String, Subscription.Known> known) {
    return new Subscription(List.copyOf(options.names()), options.prefixes(), known, 0);
  }

  private void drop(String name) {
    if (held.drop(name)) {
      tell(name);
    }
  }

  private void tell(String name) {
    try {
      options.onChange().accept(name);
    } catch (RuntimeException failure) {
      // The listener's own defect, which must not end the watch.
      thread.getUncaughtExceptionHandler().uncaughtException(thread, failure);
    }
  }

  /** Ends the watch and waits for it to have ended. */
  @Override
  public void close() {
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
