package dev.secretbroker;

import com.google.protobuf.ByteString;
import com.google.protobuf.ListValue;
import com.google.protobuf.NullValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Timestamp;
import com.google.protobuf.Value;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** From the wire's messages to ours and back. */
final class Wire {
  private static final int DEEPEST = 100;

  /** About 10,000 years: the most that protobuf's Duration may hold. */
  private static final long LONGEST_SECONDS = 315_576_000_000L;

  private Wire() {}

  static Secret secret(dev.secretbroker.v1.Secret wire) {
    return new Secret(
        wire.getName(),
        wire.getUid(),
        wire.getVersion(),
        payload(wire),
        instant(wire.hasCreateTime(), wire.getCreateTime()),
        instant(wire.hasExpireTime(), wire.getExpireTime()),
        wire.getDescription(),
        Map.copyOf(wire.getTagsMap()));
  }

  private static Payload payload(dev.secretbroker.v1.Secret wire) {
    return switch (wire.getPayloadCase()) {
      case TEXT -> Payload.text(wire.getText());
      case BINARY -> Payload.binary(wire.getBinary().toByteArray());
      case PAYLOAD_NOT_SET -> throw SecretBrokerException.invalidReply("a secret without a payload");
    };
  }

  static SecretDescription description(dev.secretbroker.v1.SecretMetadata wire) {
    return new SecretDescription(
        wire.getName(),
        wire.getUid(),
        wire.getActiveVersion(),
        instant(wire.hasCreateTime(), wire.getCreateTime()),
        instant(wire.hasUpdateTime(), wire.getUpdateTime()),
        instant(wire.hasExpireTime(), wire.getExpireTime()),
        wire.getDescription(),
        Map.copyOf(wire.getTagsMap()),
        instant(wire.hasDeleteTime(), wire.getDeleteTime()),
        instant(wire.hasRestorableUntil(), wire.getRestorableUntil()));
  }

  static SecretVersion version(dev.secretbroker.v1.SecretVersion wire) {
    return new SecretVersion(
        wire.getName(),
        wire.getUid(),
        wire.getVersion(),
        wire.getActive(),
        instant(wire.hasCreateTime(), wire.getCreateTime()),
        instant(wire.hasExpireTime(), wire.getExpireTime()),
        instant(wire.hasDestroyTime(), wire.getDestroyTime()));
  }

  static Answer answer(dev.secretbroker.v1.ReadSecretResponse wire, String name) {
    if (!wire.hasSecret()) {
      throw SecretBrokerException.invalidReply("no secret");
    }
    if (!wire.getSecret().getName().equals(name)) {
      throw SecretBrokerException.invalidReply("another secret than the one asked for");
    }
    Answer.ServedFrom from =
        switch (wire.getServedFrom()) {
          case SERVED_FROM_CACHE -> Answer.ServedFrom.CACHE;
          case SERVED_FROM_STALE -> Answer.ServedFrom.STALE;
          default -> Answer.ServedFrom.MANAGER;
        };
    Optional<Secret> secret = wire.getNotModified() ? Optional.empty() : Optional.of(secret(wire.getSecret()));
    return new Answer(name, wire.getSecret().getVersion(), secret, from, duration(wire.getAge()));
  }

  static ByteString bytes(Payload payload) {
    return ByteString.copyFrom(payload.bytes());
  }

  static Optional<Instant> instant(boolean isSet, Timestamp wire) {
    if (!isSet) {
      return Optional.empty();
    }
    try {
      return Optional.of(Instant.ofEpochSecond(wire.getSeconds(), wire.getNanos()));
    } catch (DateTimeException | ArithmeticException outOfRange) {
      throw SecretBrokerException.invalidReply("a time that is none");
    }
  }

  static Timestamp timestamp(Instant instant) {
    return Timestamp.newBuilder().setSeconds(instant.getEpochSecond()).setNanos(instant.getNano()).build();
  }

  /** What is longer than the wire allows is as long as that, so that nobody's arithmetic fails. */
  static Duration duration(com.google.protobuf.Duration wire) {
    long seconds = Math.max(-LONGEST_SECONDS, Math.min(wire.getSeconds(), LONGEST_SECONDS));
    return Duration.ofSeconds(seconds, wire.getNanos());
  }

  static com.google.protobuf.Duration duration(Duration duration) {
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(duration.getSeconds())
        .setNanos(duration.getNano())
        .build();
  }

  /** Options for a manager: whatever JSON can hold. */
  static Struct options(Map<String, ?> options) {
    return struct(options, 0);
  }

  private static Struct struct(Map<?, ?> members, int depth) {
    Struct.Builder struct = Struct.newBuilder();
    members.forEach((key, value) -> struct.putFields(String.valueOf(key), value(value, depth + 1)));
    return struct.build();
  }

  private static Value value(Object value, int depth) {
    if (depth > DEEPEST) {
      throw SecretBrokerException.invalidField("options", "must be at most " + DEEPEST + " levels deep");
    }
    Value.Builder wire = Value.newBuilder();
    if (value == null) {
      return wire.setNullValue(NullValue.NULL_VALUE).build();
    } else if (value instanceof String text) {
      return wire.setStringValue(text).build();
    } else if (value instanceof Boolean flag) {
      return wire.setBoolValue(flag).build();
    } else if (value instanceof Number number) {
      return wire.setNumberValue(number.doubleValue()).build();
    } else if (value instanceof Map<?, ?> members) {
      return wire.setStructValue(struct(members, depth)).build();
    } else if (value instanceof Iterable<?> items) {
      ListValue.Builder list = ListValue.newBuilder();
      items.forEach(item -> list.addValues(value(item, depth + 1)));
      return wire.setListValue(list).build();
    }
    throw SecretBrokerException.invalidField("options", "must hold what JSON can hold");
  }
}
