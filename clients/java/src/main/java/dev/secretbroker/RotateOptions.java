package dev.secretbroker;

import dev.secretbroker.v1.RotateSecretRequest;
import java.time.Duration;
import java.util.Map;

/** What a rotation may say. Not to be shared while it is being changed. */
public final class RotateOptions {
  private final RotateSecretRequest.Builder request = RotateSecretRequest.newBuilder();

  /** The name that takes over; the same unless given. */
  public RotateOptions newName(String name) {
    request.setNewName(name);
    return this;
  }

  /** For how long the previous version stays readable by its number. */
  public RotateOptions gracePeriod(Duration gracePeriod) {
    request.setGracePeriod(Wire.duration(gracePeriod));
    return this;
  }

  /** Handed to the manager untouched. */
  public RotateOptions options(Map<String, ?> options) {
    request.setOptions(Wire.options(options));
    return this;
  }

  RotateSecretRequest of(String name, Payload payload) {
    RotateSecretRequest.Builder full = request.clone().setName(name);
    if (payload.isBinary()) {
      full.setBinary(Wire.bytes(payload));
    } else {
      full.setText(payload.text());
    }
    return full.build();
  }
}
