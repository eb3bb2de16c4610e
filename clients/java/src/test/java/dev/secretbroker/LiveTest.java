package dev.secretbroker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.secretbroker.v1.ActivateSecretVersionRequest;
import dev.secretbroker.v1.SecretBrokerGrpc;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LiveTest {
  private static SecretBrokerException failing(org.junit.jupiter.api.function.Executable call) {
    return assertThrows(SecretBrokerException.class, call);
  }

  @Test
  void aFailureHasItsReasonAndFacts() {
    try (SecretBrokerClient client = TestBroker.as("owner").build()) {
      SecretBrokerException failure = failing(() -> client.withRequestId("java-1").read("java/absent"));
      assertEquals(Reason.SECRET_NOT_FOUND, failure.reason());
      assertEquals(Status.Code.NOT_FOUND, failure.code());
      assertEquals("java-1", failure.metadata().get("request_id"));
      assertEquals(Reason.FIELD_INVALID, failing(() -> client.withRequestId("a b")).reason());
    }
  }

  @Test
  void everyBrokenFieldIsNamed() {
    try (SecretBrokerClient client = TestBroker.as("owner").build()) {
      WriteOptions options = new WriteOptions().description("d".repeat(3_000));
      SecretBrokerException failure = failing(() -> client.write("", Payload.text("x"), options));
      List<String> fields = failure.violations().stream().map(SecretBrokerException.Violation::field).toList();
      assertEquals(List.of("name", "description"), fields);
    }
  }

  @Test
  void aTimeoutThatHasPassedIsTold() {
    try (SecretBrokerClient client = TestBroker.as("owner").timeout(Duration.ofNanos(1)).build()) {
      SecretBrokerException failure = failing(() -> client.read("java/absent"));
      assertEquals(Status.Code.DEADLINE_EXCEEDED, failure.code());
      assertEquals(Reason.MANAGER_TIMEOUT, failure.reason());
      Duration enough = Duration.ofSeconds(30);
      assertEquals(Reason.SECRET_NOT_FOUND, failing(() -> client.withTimeout(enough).read("java/absent")).reason());
    }
  }

  @Test
  void anInterruptedThreadIsCancelledAndStaysInterrupted() {
    try (SecretBrokerClient client = TestBroker.as("owner").build()) {
      Thread.currentThread().interrupt();
      assertEquals(Reason.CALL_CANCELLED, failing(() -> client.read("java/absent")).reason());
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void nobodyListeningIsUnavailable(@TempDir Path folder) {
    try (SecretBrokerClient client = SecretBrokerClient.open("unix:" + folder.resolve("no.sock"))) {
      assertEquals(Reason.MANAGER_UNAVAILABLE, failing(() -> client.read("java/absent")).reason());
    }
  }

  @Test
  void aTokenFileIsReadForEachCall(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("token");
    try (SecretBrokerClient client = TestBroker.as("nobody").tokenFile(file).build()) {
      Files.writeString(file, TestBroker.token("expired") + "\n");
      assertEquals(Reason.CREDENTIAL_EXPIRED, failing(() -> client.read("java/absent")).reason());
      Files.writeString(file, TestBroker.token("owner") + "\n");
      assertEquals(Reason.SECRET_NOT_FOUND, failing(() -> client.read("java/absent")).reason());
      Files.writeString(file, "two words");
      assertEquals(Reason.CREDENTIAL_INVALID, failing(() -> client.read("java/absent")).reason());
      Files.writeString(file, "\n");
      assertEquals(Reason.IDENTITY_UNAVAILABLE, failing(() -> client.read("java/absent")).reason());
      Files.delete(file);
      assertEquals(Reason.IDENTITY_UNAVAILABLE, failing(() -> client.read("java/absent")).reason());
    }
  }

  @Test
  void aListGoesThroughItsPages() {
    try (SecretBrokerClient client = TestBroker.as("owner").build()) {
      List<String> names = List.of("java/list/a", "java/list/b", "java/list/c");
      names.forEach(name -> client.write(name, Payload.text("x")));
      ListOptions options = new ListOptions().prefix("java/list/").pageSize(1);
      assertEquals(names, client.list(options).map(SecretDescription::name).toList());
      assertEquals(names, client.list(options).map(SecretDescription::name).toList());
      assertEquals(Reason.FIELD_INVALID, failing(() -> client.list(new ListOptions().pageSize(5_000))).reason());
    }
  }

  @Test
  void aWatchTellsOfChangesAndRemovals() throws InterruptedException {
    try (SecretBrokerClient client = TestBroker.as("owner").build()) {
      client.write("java/watch/a", Payload.text("one"));
      Watch watch = client.watch(Subscription.toPrefixes("java/watch/"));
      WatchEvent.Changed first = assertInstanceOf(WatchEvent.Changed.class, watch.next());
      assertTrue(first.initial());
      assertEquals(Payload.text("one"), first.secret().payload());
      WatchEvent.Synced synced = assertInstanceOf(WatchEvent.Synced.class, watch.next());
      assertNotEquals(0, synced.revision());
      client.write("java/watch/b", Payload.binary(new byte[] {0, -1}));
      WatchEvent.Changed second = assertInstanceOf(WatchEvent.Changed.class, nextButHeartbeats(watch));
      assertFalse(second.initial());
      assertEquals(Payload.binary(new byte[] {0, -1}), second.secret().payload());
      client.delete("java/watch/a");
      WatchEvent.Removed gone = assertInstanceOf(WatchEvent.Removed.class, nextButHeartbeats(watch));
      assertEquals("java/watch/a", gone.name());
      watch.close();
      assertEquals(Reason.CALL_CANCELLED, failing(() -> nextButHeartbeats(watch)).reason());
      assertEquals(Reason.CALL_CANCELLED, failing(watch::next).reason());
    }
  }

  private static WatchEvent nextButHeartbeats(Watch watch) throws InterruptedException {
    WatchEvent event = watch.next();
    return event instanceof WatchEvent.Heartbeat ? nextButHeartbeats(watch) : event;
  }

  @Test
  void theStubsServeWhatTheClientLeavesOut() {
    try (SecretBrokerClient client = TestBroker.as("socket").build()) {
      client.write("java/stub", Payload.text("x"));
      var request = ActivateSecretVersionRequest.newBuilder().setName("java/stub").setVersion(1).build();
      var response = SecretBrokerGrpc.newBlockingStub(client.channel()).activateSecretVersion(request);
      assertEquals(1, response.getSecret().getActiveVersion());
    }
  }

  @Test
  void anotherTimeoutAndIdShareTheConnection() {
    SecretBrokerClient client = TestBroker.as("owner").build();
    client.withTimeout(Duration.ofSeconds(5)).close();
    assertEquals(Status.Code.UNAVAILABLE, failing(() -> client.read("java/absent")).code());
  }

  @Test
  void aStoreAsksAgainWithinItsBound() throws InterruptedException {
    try (SecretBrokerClient client = TestBroker.as("owner").build()) {
      client.write("java/store/a", Payload.text("one"));
      StoreOptions options = new StoreOptions().prefixes("java/store/").maxStaleness(Duration.ofMillis(2_000));
      try (SecretStore store = client.openStore(options)) {
        // Past its bound nothing but having asked again lets it answer: the broker's heartbeat is slower.
        Thread.sleep(3_000);
        SecretStoreTest.untilSeen(store, "java/store/a", "one");
        assertEquals(Reason.FIELD_INVALID, failing(() -> store.get("other")).reason());
      }
    }
  }

  @Test
  void optionsThatAreNoJsonAreRefusedHere() {
    Map<String, Object> options = Map.of("x", new Object());
    assertEquals("options", failing(() -> new ReadOptions().options(options)).violations().get(0).field());
  }
}
