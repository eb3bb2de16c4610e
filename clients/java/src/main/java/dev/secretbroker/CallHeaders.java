package dev.secretbroker;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;

/** Adds to each call what an address may require of it, the token, and the request's id. */
record CallHeaders(Optional<Callable<String>> token, Optional<String> requestId) implements ClientInterceptor {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);
  /** Shows that a call is meant for a broker. */
  private static final Metadata.Key<String> GUARD =
      Metadata.Key.of("x-secret-broker-request", Metadata.ASCII_STRING_MARSHALLER);
  private static final Pattern VISIBLE = Pattern.compile("[\\x21-\\x7e]+");

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    // Had before the call begins, so that a token that cannot be had is the caller's exception.
    Optional<String> bearer = token.map(CallHeaders::bearer);
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<A> listener, Metadata headers) {
        headers.put(GUARD, "true");
        bearer.ifPresent(value -> headers.put(AUTHORIZATION, value));
        requestId.ifPresent(value -> headers.put(REQUEST_ID, value));
        super.start(listener, headers);
      }
    };
  }

  static String checkedRequestId(String id) {
    if (id.length() > 128 || !VISIBLE.matcher(id).matches()) {
      throw SecretBrokerException.invalidField("x-request-id", "must be 1 to 128 visible ASCII characters");
    }
    return id;
  }

  /** The token a file holds. */
  static String tokenIn(Path file) throws IOException {
    String token = Files.readString(file).strip();
    if (token.isEmpty()) {
      // Whoever replaces a file may leave it so for a moment.
      throw new IOException("the file is empty");
    }
    return token;
  }

  private static String bearer(Callable<String> source) {
    String token;
    try {
      token = source.call();
    } catch (Exception failure) {
      // Nobody can tell now who calls, which is no refusal of the broker's.
      String message = "the token could not be had: " + failure;
      throw new SecretBrokerException(
          Reason.IDENTITY_UNAVAILABLE, Status.Code.UNAVAILABLE, message, Map.of());
    }
    if (token == null || !VISIBLE.matcher(token).matches()) {
      String message = "the token must be visible ASCII characters";
      throw new SecretBrokerException(
          Reason.CREDENTIAL_INVALID, Status.Code.UNAUTHENTICATED, message, Map.of());
    }
    return "Bearer " + token;
  }
}
