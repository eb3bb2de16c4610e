package dev.secretbroker;

import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/** Holds secrets in memory, and a watch keeps them current. Any number of threads may use it. */
public final class SecretStore implements AutoCloseable {
  private final StoreOptions.Snapshot options;
  private final HeldSecrets held = new HeldSecrets();
  private final StoreFollower follower;
  private final LongSupplier nanoTime;

  private SecretStore(SecretBrokerClient client, StoreOptions.Snapshot options, LongSupplier nanoTime, Duration tick) {
    this.options = options;
    this.nanoTime = nanoTime;
    this.follower = new StoreFollower(client, options, held, nanoTime, tick);
  }

  static SecretStore open(SecretBrokerClient client, StoreOptions options, Duration timeout) {
    Duration tick = options.snapshot().maxStaleness().dividedBy(4);
    return open(client, options, timeout, System::nanoTime, tick);
  }

  /** With a time of its own, which is looked at every tick. */
  static SecretStore open(
      SecretBrokerClient client, StoreOptions options, Duration timeout, LongSupplier nanoTime, Duration tick) {
    SecretStore store = new SecretStore(client, options.snapshot(), nanoTime, tick);
    try {
      store.follower.start();
      store.held.awaitOpen(timeout);
      return store;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      store.close();
      String message = "the thread was interrupted while the store was being opened";
      throw new SecretBrokerException(Reason.CALL_CANCELLED, Status.Code.CANCELLED, message, Map.of());
    } catch (RuntimeException failure) {
      store.close();
      throw failure;
    }
  }

  /**
   * Answers from memory, with the age of the answer. An answer that may be out of date beyond the bound is never given.
   *
   * @throws SecretBrokerException with {@link Reason#STALE_TOO_OLD} past the bound, {@link Reason#SECRET_NOT_FOUND} when
   *     there is no such secret
   */
  public Answer get(String name) {
    if (!options.covers(name)) {
      throw SecretBrokerException.invalidField("name", "is not among the names and prefixes of the store");
    }
    HeldSecrets.View view = held.view(name);
    Duration age = Duration.ofNanos(nanoTime.getAsLong() - view.asOf());
    if (age.compareTo(options.maxStaleness()) > 0) {
      throw tooOld(name, age, view.failure());
    }
    Secret secret =
        view.secret()
            .filter(each -> each.expireTime().map(end -> Instant.now().isBefore(end)).orElse(true))
            .orElseThrow(() -> absent(name));
    Answer.ServedFrom from = view.failure().isEmpty() ? Answer.ServedFrom.CACHE : Answer.ServedFrom.STALE;
    return new Answer(name, secret.version(), Optional.of(secret), from, age);
  }

  private static SecretBrokerException tooOld(String name, Duration age, Optional<SecretBrokerException> failure) {
    String message =
        "what is held of \"%s\" was last known to be current %d ms ago".formatted(name, age.toMillis())
            + failure.map(why -> "; the watch failed: " + why.getMessage()).orElse("");
    Map<String, String> metadata = Map.of("name", name, "age", age.toString());
    return new SecretBrokerException(Reason.STALE_TOO_OLD, Status.Code.UNAVAILABLE, message, metadata);
  }

  private static SecretBrokerException absent(String name) {
    String message = "there is no secret \"%s\"".formatted(name);
    return new SecretBrokerException(
        Reason.SECRET_NOT_FOUND, Status.Code.NOT_FOUND, message, Map.of("name", name));
  }

  /** Ends the watch and forgets every secret. */
  @Override
  public void close() {
    follower.close();
    held.close();
  }
}
