package dev.secretbroker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.secretbroker.v1.DeleteSecretRequest;
import dev.secretbroker.v1.DeleteSecretResponse;
import dev.secretbroker.v1.DeleteStatus;
import dev.secretbroker.v1.ReadSecretRequest;
import dev.secretbroker.v1.ReadSecretResponse;
import dev.secretbroker.v1.RotateSecretRequest;
import dev.secretbroker.v1.RotateSecretResponse;
import dev.secretbroker.v1.SecretBrokerGrpc;
import dev.secretbroker.v1.WriteSecretRequest;
import dev.secretbroker.v1.WriteSecretResponse;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class RetriesTest {
  private static final long HOUR = Duration.ofHours(1).toNanos();

  private static SecretBrokerException unavailable() {
    return new SecretBrokerException(Reason.MANAGER_UNAVAILABLE, Status.Code.UNAVAILABLE, "away", Map.of());
  }

  private static com.google.rpc.Status limited(int nanos) {
    RetryInfo.Builder retry = RetryInfo.newBuilder();
    retry.getRetryDelayBuilder().setNanos(nanos);
    ErrorInfo info = ErrorInfo.newBuilder().setReason("RATE_LIMITED").setDomain("secretbroker.dev").build();
    return com.google.rpc.Status.newBuilder()
        .setCode(Status.Code.RESOURCE_EXHAUSTED.value())
        .addDetails(Any.pack(info))
        .addDetails(Any.pack(retry.build()))
        .build();
  }

  @Test
  void pausesDoubleUpToABound() {
    RetryOptions options = new RetryOptions(6, Duration.ofMillis(100), Duration.ofMillis(500));
    Retries retries = new Retries(options, () -> 1);
    List<Long> delays = new java.util.ArrayList<>();
    for (int attempt = 1; attempt <= 6; attempt++) {
      delays.add(retries.delayAfter(unavailable(), attempt, HOUR).orElse(-1_000_000) / 1_000_000);
    }
    assertEquals(List.of(100L, 200L, 400L, 500L, 500L, -1L), delays);
  }

  @Test
  void whatTheBrokerAsksForIsTheLeast() {
    SecretBrokerException failure = SecretBrokerException.fromStatus(limited(500_000_000));
    RetryOptions options = new RetryOptions();
    assertEquals(500_000_000, new Retries(options, () -> 0).delayAfter(failure, 1, HOUR).orElseThrow());
    assertEquals(550_000_000, new Retries(options, () -> 1).delayAfter(failure, 1, HOUR).orElseThrow());
    assertTrue(new Retries(options, () -> 0).delayAfter(failure, 1, 500_000_000).isEmpty());
  }

  @Test
  void aDelayOutOfAllBoundsIsNotWaited() {
    RetryInfo.Builder retry = RetryInfo.newBuilder();
    retry.getRetryDelayBuilder().setSeconds(Long.MAX_VALUE).setNanos(5);
    com.google.rpc.Status.Builder status = limited(0).toBuilder().setDetails(1, Any.pack(retry.build()));
    SecretBrokerException failure = SecretBrokerException.fromStatus(status.build());
    assertTrue(new Retries(new RetryOptions(), () -> 1).delayAfter(failure, 1, HOUR).isEmpty());
  }

  @Test
  void aTimeThatIsNoneIsAFailureOfOurs() {
    dev.secretbroker.v1.Secret.Builder wire = dev.secretbroker.v1.Secret.newBuilder().setText("value");
    wire.getCreateTimeBuilder().setSeconds(Long.MAX_VALUE);
    SecretBrokerException failure = assertThrows(SecretBrokerException.class, () -> Wire.secret(wire.build()));
    assertEquals(Reason.MANAGER_REPLY_INVALID, failure.reason());
  }

  @Test
  void aWatchThatIsSentNonsenseEnds() throws Exception {
    try (ScriptedBroker broker = new ScriptedBroker();
        SecretBrokerClient client = SecretBrokerClient.open(broker.address());
        Watch watch = client.watch(Subscription.toNames("a"))) {
      broker.nextWatch().change(dev.secretbroker.v1.Secret.newBuilder().setName("a").build());
      for (int takes = 0; takes < 2; takes++) {
        SecretBrokerException failure = assertThrows(SecretBrokerException.class, watch::next);
        assertEquals(Reason.MANAGER_REPLY_INVALID, failure.reason());
      }
    }
  }

  @Test
  void aBrokenBrokerIsNotAskedMuchMoreOften() {
    Retries retries = new Retries(new RetryOptions(), () -> 0);
    int count = 0;
    while (retries.delayAfter(unavailable(), 1, HOUR).isPresent()) {
      count++;
    }
    assertEquals(10, count);
    for (int answers = 0; answers < 11; answers++) {
      retries.noteAnswer();
    }
    assertTrue(retries.delayAfter(unavailable(), 1, HOUR).isPresent());
    assertFalse(retries.delayAfter(unavailable(), 1, HOUR).isPresent());
  }

  @Test
  void theReasonsAreThoseOfTheDocument() throws IOException {
    String page = Files.readString(Path.of("../../docs/errors.md"));
    Matcher rows = Pattern.compile("(?m)^\\| `([A-Z_]+)` +\\|[^|]*\\|([^|]*)\\|").matcher(page);
    int count = 0;
    while (rows.find()) {
      count++;
      Reason reason = Reason.valueOf(rows.group(1));
      List<String> passing = List.of("yes", "if idempotent", "after the delay");
      assertEquals(passing.contains(rows.group(2).strip()), reason.passes(), reason.name());
    }
    assertEquals(Reason.values().length - 1, count, "UNRECOGNIZED is not there");
  }

  @Test
  void optionsAreChecked() {
    Duration second = Duration.ofSeconds(1);
    assertThrows(SecretBrokerException.class, () -> new RetryOptions().withAttempts(0));
    assertThrows(SecretBrokerException.class, () -> new RetryOptions().withAttempts(11));
    assertThrows(SecretBrokerException.class, () -> new RetryOptions(3, second, Duration.ZERO));
    assertThrows(SecretBrokerException.class, () -> new RetryOptions(3, second.negated(), second));
  }

  @Test
  void aFailureOutlastsItsSerialization() throws IOException, ClassNotFoundException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    new ObjectOutputStream(bytes).writeObject(SecretBrokerException.fromStatus(limited(5)));
    Object read = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();
    SecretBrokerException failure = (SecretBrokerException) read;
    assertEquals(Reason.RATE_LIMITED, failure.reason());
    assertEquals(Duration.ofNanos(5), failure.retryDelay().orElseThrow());
  }

  /** Fails so many times, then answers. */
  private static final class FailingBroker extends SecretBrokerGrpc.SecretBrokerImplBase implements AutoCloseable {
    private final List<Long> asked = new CopyOnWriteArrayList<>();
    private final int failures;
    private final Throwable failure;
    private final Server server;

    FailingBroker(int failures, Throwable failure) throws IOException {
      this.failures = failures;
      this.failure = failure;
      InetSocketAddress anywhere = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
      server = NettyServerBuilder.forAddress(anywhere).addService(this).build().start();
    }

    SecretBrokerClient.Builder client() {
      return SecretBrokerClient.builder("127.0.0.1:" + server.getPort()).timeout(Duration.ofMinutes(1));
    }

    private <A> void answer(StreamObserver<A> observer, A answer) {
      asked.add(System.nanoTime());
      if (asked.size() <= failures) {
        observer.onError(failure);
      } else {
        observer.onNext(answer);
        observer.onCompleted();
      }
    }

    @Override
    public void readSecret(ReadSecretRequest request, StreamObserver<ReadSecretResponse> observer) {
      ReadSecretResponse.Builder response = ReadSecretResponse.newBuilder();
      response.getSecretBuilder().setName(request.getName()).setVersion(1).setText("value");
      answer(observer, response.build());
    }

    @Override
    public void writeSecret(WriteSecretRequest request, StreamObserver<WriteSecretResponse> observer) {
      answer(observer, WriteSecretResponse.getDefaultInstance());
    }

    @Override
    public void deleteSecret(DeleteSecretRequest request, StreamObserver<DeleteSecretResponse> observer) {
      answer(observer, DeleteSecretResponse.newBuilder().setStatus(DeleteStatus.DELETE_STATUS_DELETED).build());
    }

    @Override
    public void rotateSecret(RotateSecretRequest request, StreamObserver<RotateSecretResponse> observer) {
      answer(observer, RotateSecretResponse.getDefaultInstance());
    }

    @Override
    public void close() {
      server.shutdownNow();
    }
  }

  private static Throwable away() {
    return Status.UNAVAILABLE.withDescription("away").asException();
  }

  private static void assertAsked(int times, Consumer<SecretBrokerClient> call) throws IOException {
    try (FailingBroker broker = new FailingBroker(1, away());
        SecretBrokerClient client = broker.client().build()) {
      if (times == 2) {
        call.accept(client);
      } else {
        assertThrows(SecretBrokerException.class, () -> call.accept(client));
      }
      assertEquals(times, broker.asked.size());
    }
  }

  @Test
  void onlyWhatIsSafeIsRepeated() throws IOException {
    Payload payload = Payload.text("x");
    assertAsked(2, client -> client.read("a"));
    assertAsked(2, client -> client.write("a", payload, new WriteOptions().idempotencyId("once")));
    assertAsked(2, client -> client.delete("a", new DeleteOptions().idempotencyId("once")));
    assertAsked(1, client -> client.write("a", payload));
    assertAsked(1, client -> client.delete("a"));
    assertAsked(1, client -> client.rotate("a", payload));
    try (FailingBroker broker = new FailingBroker(9, away());
        SecretBrokerClient client = broker.client().build()) {
      assertThrows(SecretBrokerException.class, () -> client.read("a"));
      assertEquals(3, broker.asked.size());
    }
  }

  @Test
  void theDelayTheBrokerAsksForIsWaited() throws IOException {
    Throwable limit = StatusProto.toStatusException(limited(500_000_000));
    try (FailingBroker broker = new FailingBroker(1, limit);
        SecretBrokerClient client = broker.client().build()) {
      client.read("a");
      assertTrue(broker.asked.get(1) - broker.asked.get(0) >= 500_000_000);
    }
  }

  @Test
  void aPauseEndsWithTheClientAndWithTheThread() throws Exception {
    RetryOptions forHours = new RetryOptions(3, Duration.ofHours(9), Duration.ofHours(9));
    for (boolean closes : new boolean[] {true, false}) {
      try (FailingBroker broker = new FailingBroker(9, away());
          SecretBrokerClient client = broker.client().timeout(Duration.ofDays(9)).retries(forHours).build()) {
        Thread reader = new Thread(() -> assertThrows(SecretBrokerException.class, () -> client.read("a")));
        reader.start();
        while (broker.asked.isEmpty()) {
          Thread.sleep(1);
        }
        if (closes) {
          client.close();
        } else {
          reader.interrupt();
        }
        reader.join(Duration.ofSeconds(ScriptedBroker.PATIENCE_SECONDS).toMillis());
        assertFalse(reader.isAlive());
      }
    }
  }
}
