package dev.secretbroker;

import dev.secretbroker.v1.WriteSecretRequest;
import java.time.Instant;
import java.util.Map;

/** What a write may say besides the payload. Not to be shared while it is being changed. */
public final class WriteOptions {
  private final WriteSecretRequest.Builder request = WriteSecretRequest.newBuilder();

  /** What the secret is for; kept as it was unless given. */
  public WriteOptions description(String description) {
    request.setDescription(description);
    return this;
  }

  /** Labels; kept as they were unless given. */
  public WriteOptions tags(Map<String, String> tags) {
    request.clearTags().putAllTags(tags);
    return this;
  }

  /** Writes only if this is the active version; 0 means that the secret must not exist. */
  public WriteOptions expectedVersion(int version) {
    request.setExpectedVersion(version);
    return this;
  }

  /** Makes a repetition with the same id and content be answered as the first time. */
  public WriteOptions idempotencyId(String id) {
    request.setRequestId(id);
    return this;
  }

  /** When the version stops being readable. */
  public WriteOptions expireTime(Instant expireTime) {
    request.setExpireTime(Wire.timestamp(expireTime));
    return this;
  }

  /** Whether the new version becomes the active one; true unless given. */
  public WriteOptions activate(boolean activate) {
    request.setActivate(activate);
    return this;
  }

  /** Handed to the manager untouched. */
  public WriteOptions options(Map<String, ?> options) {
    request.setOptions(Wire.options(options));
    return this;
  }

  WriteSecretRequest of(String name, Payload payload) {
    WriteSecretRequest.Builder full = request.clone().setName(name);
    if (payload.isBinary()) {
      full.setBinary(Wire.bytes(payload));
    } else {
      full.setText(payload.text());
    }
    return full.build();
  }
}
