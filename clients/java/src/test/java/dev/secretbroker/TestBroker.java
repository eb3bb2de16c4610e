package dev.secretbroker;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/** The broker with the vectors' configuration that the environment names. */
final class TestBroker {
  static final Path VECTORS = Path.of("../vectors").toAbsolutePath().normalize();

  private TestBroker() {}

  /** Where it runs; without one the test is skipped, or fails where peers are required. */
  static String address() {
    String address = System.getenv("SECRET_BROKER_ADDRESS");
    String rule = "SECRET_BROKER_ADDRESS must say where a broker with the vectors' configuration runs";
    if ("1".equals(System.getenv("SECRET_BROKER_REQUIRE_PEERS"))) {
      Assertions.assertNotNull(address, rule);
    }
    Assumptions.assumeTrue(address != null, rule);
    return address;
  }

  /** A client for one of the callers of the vectors. */
  static SecretBrokerClient.Builder as(String caller) {
    JsonObject who = json(VECTORS.resolve("callers.json")).getAsJsonObject(caller);
    String address = address();
    if (who.has("socket")) {
      address = "unix:" + Path.of(System.getenv("SECRET_BROKER_FOLDER"), who.get("socket").getAsString());
    }
    SecretBrokerClient.Builder builder = SecretBrokerClient.builder(address);
    return who.has("token") ? builder.token(who.get("token").getAsString()) : builder;
  }

  static String token(String caller) {
    return json(VECTORS.resolve("callers.json")).getAsJsonObject(caller).get("token").getAsString();
  }

  static JsonObject json(Path file) {
    try {
      return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
