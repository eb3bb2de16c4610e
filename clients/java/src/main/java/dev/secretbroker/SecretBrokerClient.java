package dev.secretbroker;

import dev.secretbroker.v1.BatchReadSecretsRequest;
import dev.secretbroker.v1.BatchReadSecretsResponse;
import dev.secretbroker.v1.BatchReadSecretsResult;
import dev.secretbroker.v1.DeleteSecretRequest;
import dev.secretbroker.v1.DeleteSecretResponse;
import dev.secretbroker.v1.DeleteStatus;
import dev.secretbroker.v1.DescribeSecretRequest;
import dev.secretbroker.v1.DescribeSecretResponse;
import dev.secretbroker.v1.ListSecretsResponse;
import dev.secretbroker.v1.RotateSecretResponse;
import dev.secretbroker.v1.SecretBrokerGrpc;
import dev.secretbroker.v1.SecretBrokerGrpc.SecretBrokerBlockingStub;
import dev.secretbroker.v1.WriteSecretRequest;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Calls one broker. Any number of threads may use it. Every call ends by its timeout, 10 seconds unless told otherwise, and
 * every failure is a {@link SecretBrokerException} with a {@link Reason}.
 */
public final class SecretBrokerClient implements AutoCloseable {
  private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

  private final Transport transport;
  private final CallHeaders headers;
  private final Duration timeout;
  private final SecretBrokerBlockingStub stub;

  private SecretBrokerClient(Transport transport, CallHeaders headers, Duration timeout) {
    this.transport = transport;
    this.headers = headers;
    this.timeout = timeout;
    this.stub = SecretBrokerGrpc.newBlockingStub(channel());
  }

  /** A client for the broker of this machine at host:port, [ipv6]:port or unix:PATH. It connects with the first call. */
  public static SecretBrokerClient open(String address) {
    return builder(address).build();
  }

  /** A client that is told more than the address. */
  public static Builder builder(String address) {
    return new Builder(address);
  }

  /** What a client is made of. */
  public static final class Builder {
    private final String address;
    private Duration timeout = DEFAULT_TIMEOUT;
    private Optional<TlsFiles> tls = Optional.empty();
    private Optional<Callable<String>> token = Optional.empty();
    private RetryOptions retries = new RetryOptions();

    private Builder(String address) {
      this.address = address;
    }

    /** How long a call may take; 10 seconds unless given. */
    public Builder timeout(Duration timeout) {
      this.timeout = checked(timeout);
      return this;
    }

    /** Encrypts the connection; without it only addresses of this machine are accepted. */
    public Builder tls(TlsFiles files) {
      this.tls = Optional.of(files);
      return this;
    }

    /** How calls that may be repeated are tried again. */
    public Builder retries(RetryOptions options) {
      this.retries = options;
      return this;
    }

    /** Sends a bearer token with each call. */
    public Builder token(String token) {
      return token(() -> token);
    }

    /**
     * Sends the bearer token a file holds, read for each call, so that a renewed one is used without a restart. A file that
     * cannot be read, or is empty, is what a failing source is.
     */
    public Builder tokenFile(Path file) {
      return token(() -> CallHeaders.tokenIn(file));
    }

    /**
     * Asks for the bearer token of each call. While it fails, calls do with {@link Reason#IDENTITY_UNAVAILABLE}, and stores
     * answer as they do while the broker is out of reach.
     */
    public Builder token(Callable<String> source) {
      this.token = Optional.of(source);
      return this;
    }

    /** The client; it must be closed. */
    public SecretBrokerClient build() {
      Transport transport = Transport.open(BrokerAddress.parse(address), tls, retries);
      return new SecretBrokerClient(transport, new CallHeaders(token, Optional.empty()), timeout);
    }
  }

  /** The same client with another timeout. Closing either closes both. */
  public SecretBrokerClient withTimeout(Duration timeout) {
    return new SecretBrokerClient(transport, headers, checked(timeout));
  }

  /** The same client, naming its calls in the broker's log and audit trail. Closing either closes both. */
  public SecretBrokerClient withRequestId(String id) {
    Optional<String> requestId = Optional.of(CallHeaders.checkedRequestId(id));
    return new SecretBrokerClient(transport, new CallHeaders(headers.token(), requestId), timeout);
  }

  /** Reads the active version. */
  public Answer read(String name) {
    return read(name, new ReadOptions());
  }

  /** Reads one version. */
  public Answer read(String name, ReadOptions options) {
    return Wire.answer(call(true, stub -> stub.readSecret(options.of(name))), name);
  }

  /** Reads several secrets in one call: one result for each read, in their order. */
  public List<BatchResult> batch(List<BatchRead> reads) {
    return batch(reads, false);
  }

  /**
   * Reads up to 1,000 secrets in one call: one result for each read, in their order. One bad name neither fails nor hides
   * another.
   *
   * @param atomic whether all answers must come from one point in time
   */
  public List<BatchResult> batch(List<BatchRead> reads, boolean atomic) {
    BatchReadSecretsRequest.Builder request = BatchReadSecretsRequest.newBuilder().setAtomic(atomic);
    reads.forEach(read -> request.addReads(read.options().of(read.name())));
    BatchReadSecretsResponse response = call(true, stub -> stub.batchReadSecrets(request.build()));
    if (response.getResultsCount() != reads.size()) {
      throw SecretBrokerException.invalidReply("another number of results than there were reads");
    }
    List<BatchResult> results = new ArrayList<>(reads.size());
    for (int index = 0; index < reads.size(); index++) {
      results.add(result(response.getResults(index), reads.get(index).name()));
    }
    return results;
  }

  private static BatchResult result(BatchReadSecretsResult wire, String name) {
    try {
      return switch (wire.getResultCase()) {
        case READ -> new BatchResult(name, Optional.of(Wire.answer(wire.getRead(), name)), Optional.empty());
        case ERROR -> throw SecretBrokerException.fromStatus(wire.getError());
        case RESULT_NOT_SET -> throw SecretBrokerException.invalidReply("an empty result");
      };
    } catch (SecretBrokerException failure) {
      return new BatchResult(name, Optional.empty(), Optional.of(failure));
    }
  }

  /** Writes a new version and makes it the active one. */
  public SecretVersion write(String name, Payload payload) {
    return write(name, payload, new WriteOptions());
  }

  /** Writes a new version and, unless told otherwise, makes it the active one. */
  public SecretVersion write(String name, Payload payload, WriteOptions options) {
    WriteSecretRequest request = options.of(name, payload);
    boolean isRepeatable = !request.getRequestId().isEmpty();
    return Wire.version(call(isRepeatable, stub -> stub.writeSecret(request)).getVersion());
  }

  /** Deletes a secret; an absent name is a result, not an error. */
  public Deletion delete(String name) {
    return delete(name, new DeleteOptions());
  }

  /** Deletes a secret; an absent name is a result, not an error, unless it must exist. */
  public Deletion delete(String name, DeleteOptions options) {
    DeleteSecretRequest request = options.of(name);
    DeleteSecretResponse response = call(!request.getRequestId().isEmpty(), stub -> stub.deleteSecret(request));
    DeleteStatus status = response.getStatus();
    if (status != DeleteStatus.DELETE_STATUS_DELETED && status != DeleteStatus.DELETE_STATUS_NOT_FOUND) {
      throw SecretBrokerException.invalidReply("a deletion without a status");
    }
    return new Deletion(
        status == DeleteStatus.DELETE_STATUS_DELETED,
        response.getUid(),
        Wire.instant(response.hasRestorableUntil(), response.getRestorableUntil()));
  }

  /** Replaces a payload under the same name. */
  public Rotation rotate(String name, Payload payload) {
    return rotate(name, payload, new RotateOptions());
  }

  /** Replaces a payload, under the same name or a new one; whatever fails leaves the old secret as it was. */
  public Rotation rotate(String name, Payload payload, RotateOptions options) {
    RotateSecretResponse response = call(false, stub -> stub.rotateSecret(options.of(name, payload)));
    return new Rotation(
        Wire.version(response.getVersion()),
        Wire.instant(response.hasPreviousRestorableUntil(), response.getPreviousRestorableUntil()));
  }

  /** A page of the secrets the caller may list, without payloads, in the order of their names. */
  public SecretPage listPage(ListOptions options) {
    ListSecretsResponse response = call(true, stub -> stub.listSecrets(options.message()));
    List<SecretDescription> secrets = response.getSecretsList().stream().map(Wire::description).toList();
    return new SecretPage(secrets, response.getNextPageToken());
  }

  /** The secrets the caller may list, without payloads, in the order of their names; pages are fetched as needed. */
  public Stream<SecretDescription> list(ListOptions options) {
    ListOptions query = new ListOptions(options);
    return Stream.iterate(listPage(query), page -> page != null, page -> pageAfter(page, query))
        .flatMap(page -> page.secrets().stream());
  }

  private SecretPage pageAfter(SecretPage page, ListOptions query) {
    if (page.nextPageToken().isEmpty()) {
      return null;
    }
    SecretPage next = listPage(query.pageToken(page.nextPageToken()));
    if (next.nextPageToken().equals(page.nextPageToken())) {
      throw SecretBrokerException.invalidReply("the same page again");
    }
    return next;
  }

  /** Tells what is known of a secret, without its payload. */
  public History describe(String name) {
    DescribeSecretRequest request = DescribeSecretRequest.newBuilder().setName(name).build();
    DescribeSecretResponse response = call(true, stub -> stub.describeSecret(request));
    return new History(
        Wire.description(response.getSecret()),
        response.getVersionsList().stream().map(Wire::version).toList(),
        response.getChangedBy(),
        Wire.instant(response.hasChangeTime(), response.getChangeTime()));
  }

  /** Pushes the subscribed secrets and then every change, until it is closed. */
  public Watch watch(Subscription subscription) {
    return new Watch(SecretBrokerGrpc.newStub(channel()), subscription);
  }

  /**
   * Begins to watch, and returns once everything that exists is held, within the timeout.
   *
   * @throws SecretBrokerException why it could not
   */
  public SecretStore openStore(StoreOptions options) {
    return SecretStore.open(this, options, timeout);
  }

  /** The connection with this client's token, for the generated stubs. */
  public Channel channel() {
    return ClientInterceptors.intercept(transport.channel(), headers);
  }

  /** Lets the next call connect at once. */
  void reconnect() {
    transport.reconnect();
  }

  private <A> A call(boolean isRepeatable, Function<SecretBrokerBlockingStub, A> method) {
    return transport.call(
        isRepeatable, timeout, nanos -> method.apply(stub.withDeadlineAfter(nanos, TimeUnit.NANOSECONDS)));
  }

  private static Duration checked(Duration timeout) {
    if (timeout.isNegative() || timeout.isZero() || timeout.compareTo(Duration.ofDays(365)) > 0) {
      throw SecretBrokerException.invalidField("timeout", "must be above 0 and at most a year");
    }
    return timeout;
  }

  /** Ends the connection and whatever is running on it. */
  @Override
  public void close() {
    transport.close();
  }
}
