package dev.secretbroker;

import dev.secretbroker.v1.SecretBrokerGrpc.SecretBrokerStub;
import dev.secretbroker.v1.WatchAck;
import dev.secretbroker.v1.WatchNack;
import dev.secretbroker.v1.WatchSecretsRequest;
import dev.secretbroker.v1.WatchSecretsResponse;
import dev.secretbroker.v1.WatchSubscribe;
import dev.secretbroker.v1.WatchUnsubscribe;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A stream of changes. One thread at a time takes events; everything else is for any. A message is asked for when the one
 * before has been taken, so a watcher that is slow is sent the newest state later rather than a queue.
 */
public final class Watch implements AutoCloseable {
  private static final Duration FOREVER = Duration.ofDays(10_000);

  private final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();
  private final Queue<WatchEvent> waiting = new ArrayDeque<>();
  private final Map<String, Integer> acks = new LinkedHashMap<>();
  private final Object sending = new Object();
  private ClientCallStreamObserver<WatchSecretsRequest> requests;
  private SecretBrokerException ended;

  Watch(SecretBrokerStub stub, Subscription subscription) {
    try {
      stub.watchSecrets(new Receiver());
    } catch (RuntimeException failure) {
      throw SecretBrokerException.fromCall(failure);
    }
    subscribe(subscription);
  }

  private final class Receiver implements ClientResponseObserver<WatchSecretsRequest, WatchSecretsResponse> {
    @Override
    public void beforeStart(ClientCallStreamObserver<WatchSecretsRequest> stream) {
      requests = stream;
      stream.disableAutoRequestWithInitial(1);
      stream.setOnReadyHandler(Watch.this::sendAcks);
    }

    @Override
    public void onNext(WatchSecretsResponse message) {
      arrived.add(message);
    }

    @Override
    public void onError(Throwable failure) {
      arrived.add(SecretBrokerException.fromCall(failure));
    }

    @Override
    public void onCompleted() {
      arrived.add(SecretBrokerException.fromCall(Status.UNAVAILABLE.withDescription("the broker ended the watch").asException()));
    }
  }

  /**
   * Waits for the next event.
   *
   * @throws SecretBrokerException why the watch is over; a broker that ends it gives {@link Reason#MANAGER_UNAVAILABLE}
   */
  public WatchEvent next() throws InterruptedException {
    return next(FOREVER).orElseThrow();
  }

  /**
   * Waits for the next event, but not for longer.
   *
   * @return empty when nothing came
   * @throws SecretBrokerException why the watch is over; a broker that ends it gives {@link Reason#MANAGER_UNAVAILABLE}
   */
  public Optional<WatchEvent> next(Duration longest) throws InterruptedException {
    long giveUp = System.nanoTime() + longest.toNanos();
    while (waiting.isEmpty()) {
      if (ended != null) {
        throw ended;
      }
      Object message = arrived.poll(giveUp - System.nanoTime(), TimeUnit.NANOSECONDS);
      if (message == null) {
        return Optional.empty();
      } else if (message instanceof SecretBrokerException failure) {
        ended = failure;
      } else {
        takeOrEnd((WatchSecretsResponse) message);
      }
    }
    return Optional.of(waiting.remove());
  }

  /** What makes no sense ends the watch: after it nothing would be asked for, and the next event awaited for ever. */
  private void takeOrEnd(WatchSecretsResponse message) {
    try {
      take(message);
      requests.request(1);
    } catch (SecretBrokerException failure) {
      ended = failure;
      close();
    }
  }

  private void take(WatchSecretsResponse message) {
    switch (message.getEventCase()) {
      case INITIAL_SET ->
          message.getInitialSet().getSecretsList().forEach(each -> waiting.add(changed(each, true)));
      case CHANGE -> waiting.add(changed(message.getChange().getSecret(), false));
      case REMOVAL ->
          waiting.add(new WatchEvent.Removed(message.getRemoval().getName(), message.getRemoval().getUid()));
      case SYNC_MARKER -> waiting.add(new WatchEvent.Synced(message.getSyncMarker().getRevision()));
      case HEARTBEAT ->
          waiting.add(
              new WatchEvent.Heartbeat(
                  Wire.instant(true, message.getHeartbeat().getCurrentTime()).orElseThrow(),
                  message.getHeartbeat().getRevision()));
      case EVENT_NOT_SET -> {
        // A newer broker may tell more.
      }
    }
  }

  private static WatchEvent changed(dev.secretbroker.v1.Secret wire, boolean initial) {
    return new WatchEvent.Changed(Wire.secret(wire), initial);
  }

  /** Adds to what is watched; {@link WatchEvent.Synced} follows. */
  public void subscribe(Subscription subscription) {
    WatchSubscribe.Builder message =
        WatchSubscribe.newBuilder()
            .addAllNames(subscription.names())
            .addAllPrefixes(subscription.prefixes())
            .setResumeRevision(subscription.resumeRevision());
    subscription
        .known()
        .forEach(
            (name, known) -> {
              message.putKnownVersions(name, known.version());
              if (!known.uid().isEmpty()) {
                message.putKnownUids(name, known.uid());
              }
            });
    send(WatchSecretsRequest.newBuilder().setSubscribe(message).build());
  }

  /** Takes away from what is watched. */
  public void unsubscribe(Collection<String> names, Collection<String> prefixes) {
    WatchUnsubscribe message =
        WatchUnsubscribe.newBuilder().addAllNames(List.copyOf(names)).addAllPrefixes(List.copyOf(prefixes)).build();
    send(WatchSecretsRequest.newBuilder().setUnsubscribe(message).build());
  }

  /** Reports that a version is in use; version 0 that nothing is left of the secret after its removal. */
  public void ack(String name, int version) {
    synchronized (sending) {
      // Of each secret only the newest waits, whatever the broker takes in.
      acks.remove(name);
      acks.put(name, version);
    }
    sendAcks();
  }

  /** Reports that a version could not be used. The message must hold no payload. */
  public void nack(String name, int version, Status.Code code, String message) {
    com.google.rpc.Status status =
        com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage(message).build();
    WatchNack nack = WatchNack.newBuilder().setName(name).setVersion(version).setStatus(status).build();
    send(WatchSecretsRequest.newBuilder().setNack(nack).build());
  }

  private void sendAcks() {
    synchronized (sending) {
      var each = acks.entrySet().iterator();
      while (each.hasNext() && requests.isReady()) {
        Map.Entry<String, Integer> entry = each.next();
        WatchAck ack = WatchAck.newBuilder().setName(entry.getKey()).setVersion(entry.getValue()).build();
        each.remove();
        send(WatchSecretsRequest.newBuilder().setAck(ack).build());
      }
    }
  }

  private void send(WatchSecretsRequest request) {
    synchronized (sending) {
      try {
        requests.onNext(request);
      } catch (IllegalStateException over) {
        // The watch has ended; next() tells why.
      }
    }
  }

  /** Ends the watch. */
  @Override
  public void close() {
    requests.cancel("the watch was closed", null);
  }
}
