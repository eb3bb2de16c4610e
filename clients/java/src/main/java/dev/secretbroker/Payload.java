package dev.secretbroker;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;

/**
 * The bytes of a secret: text or binary, exactly as they were written. Printed or logged it shows nothing; {@link #text()}
 * and {@link #bytes()} release it.
 */
public final class Payload {
  private final String text;
  private final byte[] binary;

  private Payload(String text, byte[] binary) {
    this.text = text;
    this.binary = binary;
  }

  /**
   * A payload that is text.
   *
   * @throws SecretBrokerException when it holds half a surrogate pair, which would not arrive as it is
   */
  public static Payload text(String text) {
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw SecretBrokerException.invalidField("text", "must be valid Unicode");
    }
    return new Payload(text, null);
  }

  /** A payload that is bytes; they are copied. */
  public static Payload binary(byte[] bytes) {
    return new Payload(null, bytes.clone());
  }

  /** Whether the payload was written as bytes. */
  public boolean isBinary() {
    return binary != null;
  }

  /** The payload as text; of a binary payload its bytes read as UTF-8. */
  public String text() {
    return isBinary() ? new String(binary, StandardCharsets.UTF_8) : text;
  }

  /** A copy of the payload's bytes. */
  public byte[] bytes() {
    return isBinary() ? binary.clone() : text.getBytes(StandardCharsets.UTF_8);
  }

  /** Whether both hold the same bytes in the same kind. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Payload that
        && isBinary() == that.isBinary()
        && MessageDigest.isEqual(bytes(), that.bytes());
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes());
  }

  /** Shows nothing of the payload. */
  @Override
  public String toString() {
    return "[redacted]";
  }
}
