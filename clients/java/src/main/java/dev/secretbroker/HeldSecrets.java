package dev.secretbroker;

import io.grpc.Status;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** What a store holds, and what is known of how current that is. */
final class HeldSecrets {
  /** How many versions a subscription may claim. */
  private static final int MAX_KNOWN = 10_000;

  private final Map<String, Secret> secrets = new HashMap<>();
  private OptionalLong asOf = OptionalLong.empty();
  private Optional<SecretBrokerException> failure = Optional.empty();
  private boolean isClosed;

  /**
   * One secret at one moment.
   *
   * @param asOf when it was last known to be current
   * @param failure why nothing is being watched; empty while it is
   */
  record View(Optional<Secret> secret, long asOf, Optional<SecretBrokerException> failure) {}

  /** What to claim from before, and what cannot be claimed. */
  record Claims(Map<String, Subscription.Known> known, Set<String> unclaimed) {}

  /** @throws SecretBrokerException when the caller may hold nothing, or the store is closed */
  synchronized View view(String name) {
    if (isClosed) {
      throw new SecretBrokerException(
          Reason.CALL_CANCELLED, Status.Code.CANCELLED, "the store is closed", Map.of());
    }
    throwRefusal();
    return new View(Optional.ofNullable(secrets.get(name)), asOf.orElseThrow(), failure);
  }

  /** Waits until everything is held. @throws SecretBrokerException why it is not */
  synchronized void awaitOpen(Duration timeout) throws InterruptedException {
    long giveUp = System.nanoTime() + timeout.toNanos();
    while (asOf.isEmpty()) {
      throwRefusal();
      long rest = giveUp - System.nanoTime();
      if (rest <= 0) {
        throw failure.orElseGet(HeldSecrets::tooSlow);
      }
      TimeUnit.NANOSECONDS.timedWait(this, rest);
    }
  }

  private void throwRefusal() {
    if (failure.isPresent() && failure.get().isRefusal()) {
      throw failure.get();
    }
  }

  private static SecretBrokerException tooSlow() {
    String message = "the broker did not send all of the store in time";
    return new SecretBrokerException(
        Reason.MANAGER_TIMEOUT, Status.Code.DEADLINE_EXCEEDED, message, Map.of());
  }

  synchronized void hold(Secret secret) {
    secrets.put(secret.name(), secret);
  }

  /** Whether there was anything to drop. */
  synchronized boolean drop(String name) {
    return secrets.remove(name) != null;
  }

  synchronized Claims claims() {
    Map<String, Subscription.Known> known = new HashMap<>();
    Set<String> unclaimed = new HashSet<>();
    secrets.forEach(
        (name, secret) -> {
          if (secret.version() == 0 || known.size() == MAX_KNOWN) {
            unclaimed.add(name);
          } else {
            known.put(name, new Subscription.Known(secret.uid(), secret.version()));
          }
        });
    return new Claims(known, unclaimed);
  }

  synchronized OptionalLong asOf() {
    return asOf;
  }

  /** Notes that what is held was current at a time. */
  synchronized void prove(OptionalLong proven) {
    if (proven.isEmpty()) {
      return;
    }
    failure = Optional.empty();
    if (asOf.isEmpty() || proven.getAsLong() - asOf.getAsLong() > 0) {
      asOf = proven;
    }
    notifyAll();
  }

  /** Notes why the watch ended. Whoever may not watch any more keeps nothing: these names are dropped. */
  synchronized Set<String> lose(SecretBrokerException why) {
    failure = Optional.of(why);
    notifyAll();
    if (!why.isRefusal()) {
      return Set.of();
    }
    Set<String> dropped = Set.copyOf(secrets.keySet());
    secrets.clear();
    return dropped;
  }

  synchronized void close() {
    isClosed = true;
    secrets.clear();
  }
}
