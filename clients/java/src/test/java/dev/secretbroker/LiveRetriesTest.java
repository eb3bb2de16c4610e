package dev.secretbroker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class LiveRetriesTest {
  private static final Duration LONG = Duration.ofMinutes(5);

  @Test
  void aReadAndAWriteWithAnIdOutlastARestart() throws Exception {
    RetryOptions patient = new RetryOptions(10, Duration.ofSeconds(1), Duration.ofSeconds(30));
    try (OwnBroker broker = new OwnBroker("");
        SecretBrokerClient client = broker.client().timeout(LONG).retries(patient).build()) {
      WriteOptions once = new WriteOptions().idempotencyId("first");
      Supplier<Integer> write = () -> client.write("shared/a", Payload.text("one"), once).version();
      assertEquals(1, write.get());
      for (Supplier<Integer> call : List.of(write, () -> client.read("shared/a").version())) {
        broker.kill();
        CompletableFuture<Void> started =
            CompletableFuture.runAsync(
                () -> {
                  try {
                    broker.start();
                  } catch (java.io.IOException failure) {
                    throw new java.io.UncheckedIOException(failure);
                  }
                });
        try {
          assertEquals(1, call.get());
        } finally {
          started.get();
        }
      }
    }
  }

  @Test
  void aRateLimitIsWaitedFor() throws Exception {
    String limits = "  limits: { per_principal: { requests_per_second: 2, burst: 1 } }\n";
    try (OwnBroker broker = new OwnBroker(limits);
        SecretBrokerClient client =
            broker.client().timeout(LONG).retries(new RetryOptions().withAttempts(10)).build()) {
      for (int reads = 0; reads < 4; reads++) {
        SecretBrokerException failure =
            assertThrows(SecretBrokerException.class, () -> client.read("shared/absent"));
        assertEquals(Reason.SECRET_NOT_FOUND, failure.reason());
      }
    }
  }
}
