package dev.secretbroker;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** How every failed call ends. It never holds a payload. */
public final class SecretBrokerException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final String DOMAIN = "secretbroker.dev";

  /** One field of a request that breaks a rule. */
  public record Violation(String field, String description) implements Serializable {}

  private final Facts facts;

  /** @param retryDelay null where the broker did not say, as an Optional cannot be serialized */
  private record Facts(
      Status.Code code,
      String reasonName,
      Map<String, String> metadata,
      List<Violation> violations,
      Duration retryDelay)
      implements Serializable {}

  private SecretBrokerException(String message, Facts facts, Throwable cause) {
    super(message + " (" + facts.reasonName() + ")", cause);
    this.facts = facts;
  }

  SecretBrokerException(Reason reason, Status.Code code, String message, Map<String, String> metadata) {
    this(message, new Facts(code, reason.name(), metadata, List.of(), null), null);
  }

  static SecretBrokerException invalidField(String field, String description) {
    List<Violation> violations = List.of(new Violation(field, description));
    Facts facts =
        new Facts(
            Status.Code.INVALID_ARGUMENT, Reason.FIELD_INVALID.name(), Map.of(), violations, null);
    return new SecretBrokerException(field + " " + description, facts, null);
  }

  static SecretBrokerException invalidReply(String what) {
    String message = "the broker answered with " + what;
    return new SecretBrokerException(Reason.MANAGER_REPLY_INVALID, Status.Code.INTERNAL, message, Map.of());
  }

  /** What gRPC throws, as ours. */
  static SecretBrokerException fromCall(Throwable failure) {
    if (failure instanceof SecretBrokerException own) {
      return own;
    }
    com.google.rpc.Status status = StatusProto.fromThrowable(failure);
    if (status != null) {
      return fromStatus(status);
    }
    Status bare = Status.fromThrowable(failure);
    StringBuilder message = new StringBuilder(bare.getCode().name());
    if (bare.getDescription() != null) {
      message.append(": ").append(bare.getDescription());
    }
    // Why a connection failed stands in its cause, such as "connection refused".
    if (bare.getCode() == Status.Code.UNAVAILABLE && bare.getCause() != null) {
      message.append(": ").append(bare.getCause().getMessage());
    }
    Facts facts =
        new Facts(bare.getCode(), Reason.nearest(bare.getCode()).name(), Map.of(), List.of(), null);
    return new SecretBrokerException(message.toString(), facts, null);
  }

  /** A status, of a call or inside a batch, as ours. */
  static SecretBrokerException fromStatus(com.google.rpc.Status status) {
    Status.Code code = Status.fromCodeValue(status.getCode()).getCode();
    String reason = Reason.nearest(code).name();
    Map<String, String> metadata = Map.of();
    List<Violation> violations = new ArrayList<>();
    Duration retryDelay = null;
    for (Any detail : status.getDetailsList()) {
      try {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          if (info.getDomain().equals(DOMAIN)) {
            reason = info.getReason();
            metadata = Map.copyOf(info.getMetadataMap());
          }
        } else if (detail.is(BadRequest.class)) {
          for (BadRequest.FieldViolation each : detail.unpack(BadRequest.class).getFieldViolationsList()) {
            violations.add(new Violation(each.getField(), each.getDescription()));
          }
        } else if (detail.is(RetryInfo.class)) {
          retryDelay = Wire.duration(detail.unpack(RetryInfo.class).getRetryDelay());
        }
      } catch (InvalidProtocolBufferException notOne) {
        // What a peer sends that is no such message counts as not there.
      }
    }
    Facts facts = new Facts(code, reason, metadata, List.copyOf(violations), retryDelay);
    return new SecretBrokerException(status.getMessage(), facts, null);
  }

  /** Why the call failed. */
  public Reason reason() {
    return Reason.named(facts.reasonName());
  }

  /** The reason as the broker sent it. */
  public String reasonName() {
    return facts.reasonName();
  }

  /** The gRPC status code. */
  public Status.Code code() {
    return facts.code();
  }

  /** Facts such as the secret's name and the request_id the call has in the broker's log. */
  public Map<String, String> metadata() {
    return facts.metadata();
  }

  /** Every field that is wrong, where the reason is {@link Reason#FIELD_INVALID}. */
  public List<Violation> violations() {
    return facts.violations();
  }

  /** How long to wait before the call is repeated; empty where the broker did not say. */
  public Optional<Duration> retryDelay() {
    return Optional.ofNullable(facts.retryDelay());
  }

  /** Whether the caller may have nothing, rather than that nothing can be had now. */
  boolean isRefusal() {
    return switch (facts.code()) {
      case PERMISSION_DENIED, UNAUTHENTICATED, INVALID_ARGUMENT, NOT_FOUND, UNIMPLEMENTED -> true;
      default -> false;
    };
  }
}
