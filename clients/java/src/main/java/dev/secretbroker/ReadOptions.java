package dev.secretbroker;

import dev.secretbroker.v1.ReadSecretRequest;
import java.time.Duration;
import java.util.Map;

/** What a read may ask for besides the active version. Not to be shared while it is being changed. */
public final class ReadOptions {
  private final ReadSecretRequest.Builder request = ReadSecretRequest.newBuilder();

  /** The version to read, from 1 upwards. */
  public ReadOptions version(int version) {
    request.setVersion(version);
    return this;
  }

  /** One member of a payload that is a JSON object. */
  public ReadOptions field(String field) {
    request.setField(field);
    return this;
  }

  /** The version the caller has: where it is still the active one the answer is {@link Answer#notModified()}. */
  public ReadOptions knownVersion(int version) {
    request.setKnownVersion(version);
    return this;
  }

  /** The oldest answer that will do; zero asks the manager now. */
  public ReadOptions maxStaleness(Duration maxStaleness) {
    request.setMaxStaleness(Wire.duration(maxStaleness));
    return this;
  }

  /** Handed to the manager untouched. */
  public ReadOptions options(Map<String, ?> options) {
    request.setOptions(Wire.options(options));
    return this;
  }

  ReadSecretRequest of(String name) {
    return request.clone().setName(name).build();
  }
}
