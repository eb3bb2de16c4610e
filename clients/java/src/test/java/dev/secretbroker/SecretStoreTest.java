package dev.secretbroker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import dev.secretbroker.ScriptedBroker.PlayedWatch;
import dev.secretbroker.v1.Secret;
import dev.secretbroker.v1.WatchAck;
import dev.secretbroker.v1.WatchSubscribe;
import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A store on a broker that is played, in a time that tests move. */
class SecretStoreTest {
  private static final Duration PATIENCE = Duration.ofSeconds(ScriptedBroker.PATIENCE_SECONDS);

  private final AtomicLong nanoTime = new AtomicLong(System.nanoTime());
  private final ConcurrentLinkedQueue<String> changes = new ConcurrentLinkedQueue<>();
  private ScriptedBroker broker;
  private SecretBrokerClient client;
  private PlayedWatch watch;

  @BeforeEach
  void start() throws IOException {
    broker = new ScriptedBroker();
    client = SecretBrokerClient.open(broker.address());
  }

  @AfterEach
  void stop() {
    client.close();
    broker.close();
  }

  private static Secret secret(String name, String text, int version) {
    return Secret.newBuilder().setName(name).setText(text).setVersion(version).build();
  }

  private CompletableFuture<SecretStore> opening() {
    StoreOptions options =
        new StoreOptions().names("a", "b").maxStaleness(Duration.ofMinutes(1)).onChange(changes::add);
    return CompletableFuture.supplyAsync(
        () -> SecretStore.open(client, options, PATIENCE, nanoTime::get, Duration.ofMillis(2)));
  }

  private SecretStore open(Secret... initial) throws Exception {
    CompletableFuture<SecretStore> opening = opening();
    watch = broker.nextWatch();
    watch.subscription();
    watch.initialSet(List.of(initial));
    watch.sync();
    return opening.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  private void advance(Duration by) {
    nanoTime.addAndGet(by.toNanos());
  }

  private static String seen(SecretStore store, String name) {
    try {
      return store.get(name).text();
    } catch (SecretBrokerException failure) {
      return failure.reasonName();
    }
  }

  static void untilSeen(SecretStore store, String name, String want) throws InterruptedException {
    long giveUp = System.nanoTime() + PATIENCE.toNanos();
    while (!seen(store, name).equals(want) && System.nanoTime() < giveUp) {
      Thread.sleep(1);
    }
    assertEquals(want, seen(store, name));
  }

  @Test
  void answersUpToItsBoundAndNeverBeyond() throws Exception {
    try (SecretStore store = open(secret("a", "one", 1))) {
      advance(Duration.ofSeconds(29));
      assertEquals(Duration.ofSeconds(29), store.get("a").age());
      assertEquals(Answer.ServedFrom.CACHE, store.get("a").servedFrom());
      assertEquals("SECRET_NOT_FOUND", seen(store, "b"));
      watch.end(Status.Code.UNAVAILABLE);
      advance(Duration.ofSeconds(31));
      assertEquals("one", seen(store, "a"));
      advance(Duration.ofMillis(1));
      assertEquals("STALE_TOO_OLD", seen(store, "a"));
      assertEquals("STALE_TOO_OLD", seen(store, "b"));
    }
  }

  @Test
  void aChangeDoesNotProveThatTheRestIsCurrent() throws Exception {
    try (SecretStore store = open(secret("a", "one", 1), secret("b", "two", 1))) {
      advance(Duration.ofSeconds(20));
      watch.change(secret("a", "three", 2));
      untilSeen(store, "a", "three");
      assertEquals(Duration.ofSeconds(20), store.get("b").age());
      assertEquals(List.of("a", "b", "a"), List.copyOf(changes));
    }
  }

  @Test
  void heartbeatsProveWhatTheManagerWasAskedBetween() throws Exception {
    try (SecretStore store = open(secret("a", "one", 1))) {
      advance(Duration.ofSeconds(9));
      assertEquals(Duration.ofSeconds(9), ageAfterBeat(store, 1_000, "1"));
      advance(Duration.ofSeconds(9));
      assertEquals(Duration.ofSeconds(9), ageAfterBeat(store, 1_009, "2"));
      // The manager is down: the broker's time stands still.
      advance(Duration.ofSeconds(9));
      assertEquals(Duration.ofSeconds(18), ageAfterBeat(store, 1_009, "3"));
    }
  }

  private Duration ageAfterBeat(SecretStore store, long seconds, String mark) throws InterruptedException {
    watch.beat(seconds);
    watch.change(secret("b", mark, 1));
    untilSeen(store, "b", mark);
    return store.get("a").age();
  }

  @Test
  void asksAgainWhenHalfItsBoundHasPassed() throws Exception {
    try (SecretStore store = open(secret("a", "one", 1))) {
      advance(Duration.ofSeconds(30));
      WatchSubscribe asked = watch.subscription();
      assertEquals(Set.of("a", "b"), Set.copyOf(asked.getNamesList()));
      assertEquals(0, asked.getKnownVersionsCount());
      advance(Duration.ofSeconds(20));
      watch.sync();
      watch.change(secret("b", "mark", 1));
      untilSeen(store, "b", "mark");
      assertEquals(Duration.ofSeconds(20), store.get("a").age());
    }
  }

  @Test
  void aWatchThatGoesQuietIsReplaced() throws Exception {
    try (SecretStore store = open(secret("a", "one", 1))) {
      advance(Duration.ofSeconds(30));
      watch.subscription();
      advance(Duration.ofSeconds(61));
      PlayedWatch again = broker.nextWatch();
      assertEquals(Map.of("a", 1), again.subscription().getKnownVersionsMap());
      assertEquals("STALE_TOO_OLD", seen(store, "a"));
      again.sync();
      untilSeen(store, "a", "one");
    }
  }

  @Test
  void resumesWithWhatItHoldsAndDropsWhatIsGone() throws Exception {
    try (SecretStore store = open(secret("a", "one", 3), secret("b", "two", 0))) {
      watch.end(Status.Code.UNAVAILABLE);
      PlayedWatch again = broker.nextWatch();
      assertEquals(Map.of("a", 3), again.subscription().getKnownVersionsMap());
      again.sync();
      untilSeen(store, "b", "SECRET_NOT_FOUND");
      assertEquals("one", seen(store, "a"));
    }
  }

  @Test
  void whoeverMayNotWatchAnyMoreKeepsNothing() throws Exception {
    try (SecretStore store = open(secret("a", "one", 1))) {
      changes.clear();
      watch.end(Status.Code.PERMISSION_DENIED);
      untilSeen(store, "a", "POLICY_DENIED");
      PlayedWatch again = broker.nextWatch();
      assertEquals(Map.of(), again.subscription().getKnownVersionsMap());
      assertEquals(List.of("a"), List.copyOf(changes));
      again.sync();
      untilSeen(store, "a", "SECRET_NOT_FOUND");
    }
  }

  @Test
  void aTokenThatCannotBeHadTakesNothingAway() throws Exception {
    AtomicBoolean isThere = new AtomicBoolean(true);
    AtomicInteger missed = new AtomicInteger();
    client.close();
    client =
        SecretBrokerClient.builder(broker.address())
            .token(
                () -> {
                  if (!isThere.get()) {
                    missed.incrementAndGet();
                    throw new IOException("the file is being replaced");
                  }
                  return "sbt_placeholder";
                })
            .build();
    try (SecretStore store = open(secret("a", "one", 1))) {
      isThere.set(false);
      watch.end(Status.Code.UNAVAILABLE);
      // The second time, the first has been taken note of.
      long giveUp = System.nanoTime() + PATIENCE.toNanos();
      while (missed.get() < 2 && System.nanoTime() < giveUp) {
        Thread.sleep(1);
      }
      assertEquals("one", seen(store, "a"));
      assertEquals(Answer.ServedFrom.STALE, store.get("a").servedFrom());
      advance(Duration.ofMinutes(2));
      SecretBrokerException tooOld = assertThrows(SecretBrokerException.class, () -> store.get("a"));
      assertTrue(tooOld.getMessage().contains("IDENTITY_UNAVAILABLE"), tooOld.getMessage());
      isThere.set(true);
      PlayedWatch again = broker.nextWatch();
      assertEquals(Map.of("a", 1), again.subscription().getKnownVersionsMap());
      again.sync();
      untilSeen(store, "a", "one");
    }
  }

  @Test
  void aVersionInUseIsAcknowledged() throws Exception {
    try (SecretStore store = open(secret("a", "one", 4))) {
      assertEquals(WatchAck.newBuilder().setName("a").setVersion(4).build(), watch.ack());
      watch.remove("a");
      assertEquals(WatchAck.newBuilder().setName("a").build(), watch.ack());
      assertEquals("SECRET_NOT_FOUND", seen(store, "a"));
    }
  }

  @Test
  void anExpiredSecretIsNotAnswered() throws Exception {
    Timestamp past = Timestamp.newBuilder().setSeconds(Instant.now().getEpochSecond() - 1).build();
    try (SecretStore store = open(secret("a", "one", 1).toBuilder().setExpireTime(past).build())) {
      assertEquals("SECRET_NOT_FOUND", seen(store, "a"));
    }
  }

  @Test
  void openingFailsAsTheBrokerDoes() throws Exception {
    CompletableFuture<SecretStore> opening = opening();
    broker.nextWatch().end(Status.Code.PERMISSION_DENIED);
    Throwable failure = assertThrows(Exception.class, opening::join).getCause();
    assertEquals(Reason.POLICY_DENIED, ((SecretBrokerException) failure).reason());
    Duration soon = Duration.ofMillis(50);
    SecretBrokerException slow =
        assertThrows(
            SecretBrokerException.class,
            () -> client.withTimeout(soon).openStore(new StoreOptions().names("a")));
    assertEquals(Reason.MANAGER_TIMEOUT, slow.reason());
    assertThrows(SecretBrokerException.class, () -> client.openStore(new StoreOptions()));
  }

  @Test
  void aListenerThatThrowsDoesNotEndTheWatch() throws Exception {
    StoreOptions options =
        new StoreOptions()
            .names("a")
            .onChange(
                name -> {
                  throw new IllegalStateException("the listener's defect");
                });
    CompletableFuture<SecretStore> opening = CompletableFuture.supplyAsync(() -> client.openStore(options));
    watch = broker.nextWatch();
    watch.initialSet(List.of(secret("a", "one", 1)));
    watch.sync();
    try (SecretStore store = opening.get(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      assertEquals("one", seen(store, "a"));
    }
  }

  @Test
  void aClosedStoreForgets() throws Exception {
    SecretStore store = open(secret("a", "one", 1));
    store.close();
    store.close();
    assertEquals("CALL_CANCELLED", seen(store, "a"));
    assertEquals("FIELD_INVALID", seen(store, "c"));
  }
}
