package dev.secretbroker;

import dev.secretbroker.v1.DeleteSecretRequest;
import java.util.Map;

/** What a deletion may say. Not to be shared while it is being changed. */
public final class DeleteOptions {
  private final DeleteSecretRequest.Builder request = DeleteSecretRequest.newBuilder();

  /** For how many days the secret can be restored; 7 unless given. 0 destroys it at once. */
  public DeleteOptions recoveryWindowInDays(int days) {
    request.setRecoveryWindowInDays(days);
    return this;
  }

  /** Deletes only if this is the active version. */
  public DeleteOptions expectedVersion(int version) {
    request.setExpectedVersion(version);
    return this;
  }

  /** Whether an absent name is an error; otherwise it is a result. */
  public DeleteOptions mustExist(boolean mustExist) {
    request.setMustExist(mustExist);
    return this;
  }

  /** Makes a repetition with the same id and content be answered as the first time. */
  public DeleteOptions idempotencyId(String id) {
    request.setRequestId(id);
    return this;
  }

  /** Handed to the manager untouched. */
  public DeleteOptions options(Map<String, ?> options) {
    request.setOptions(Wire.options(options));
    return this;
  }

  DeleteSecretRequest of(String name) {
    return request.clone().setName(name).build();
  }
}
