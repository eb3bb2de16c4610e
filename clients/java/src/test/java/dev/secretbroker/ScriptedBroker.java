package dev.secretbroker;

import dev.secretbroker.v1.Secret;
import dev.secretbroker.v1.SecretBrokerGrpc;
import dev.secretbroker.v1.WatchAck;
import dev.secretbroker.v1.WatchChange;
import dev.secretbroker.v1.WatchHeartbeat;
import dev.secretbroker.v1.WatchInitialSet;
import dev.secretbroker.v1.WatchRemoval;
import dev.secretbroker.v1.WatchSecretsRequest;
import dev.secretbroker.v1.WatchSecretsResponse;
import dev.secretbroker.v1.WatchSubscribe;
import dev.secretbroker.v1.WatchSyncMarker;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A broker whose watches a test plays. */
final class ScriptedBroker extends SecretBrokerGrpc.SecretBrokerImplBase implements AutoCloseable {
  static final long PATIENCE_SECONDS = 30;

  private final BlockingQueue<PlayedWatch> watches = new LinkedBlockingQueue<>();
  private final Server server;

  ScriptedBroker() throws IOException {
    InetSocketAddress anywhere = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    server = NettyServerBuilder.forAddress(anywhere).addService(this).build().start();
  }

  String address() {
    return "127.0.0.1:" + server.getPort();
  }

  @Override
  public StreamObserver<WatchSecretsRequest> watchSecrets(StreamObserver<WatchSecretsResponse> events) {
    PlayedWatch watch = new PlayedWatch(events);
    watches.add(watch);
    return watch;
  }

  PlayedWatch nextWatch() throws InterruptedException {
    return assertNotNull(watches.poll(PATIENCE_SECONDS, TimeUnit.SECONDS), "a watch");
  }

  private static <T> T assertNotNull(T value, String what) {
    org.junit.jupiter.api.Assertions.assertNotNull(value, what + " must come");
    return value;
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  /** One watch of a store. */
  static final class PlayedWatch implements StreamObserver<WatchSecretsRequest> {
    private final BlockingQueue<WatchSecretsRequest> requests = new LinkedBlockingQueue<>();
    private final StreamObserver<WatchSecretsResponse> events;

    PlayedWatch(StreamObserver<WatchSecretsResponse> events) {
      this.events = events;
    }

    @Override
    public void onNext(WatchSecretsRequest request) {
      requests.add(request);
    }

    @Override
    public void onError(Throwable failure) {
      // The store has ended it.
    }

    @Override
    public void onCompleted() {
      events.onCompleted();
    }

    private WatchSecretsRequest next() throws InterruptedException {
      return assertNotNull(requests.poll(PATIENCE_SECONDS, TimeUnit.SECONDS), "a request");
    }

    WatchSubscribe subscription() throws InterruptedException {
      WatchSecretsRequest request = next();
      return request.hasSubscribe() ? request.getSubscribe() : subscription();
    }

    WatchAck ack() throws InterruptedException {
      WatchSecretsRequest request = next();
      return request.hasAck() ? request.getAck() : ack();
    }

    void initialSet(List<Secret> secrets) {
      WatchInitialSet set = WatchInitialSet.newBuilder().addAllSecrets(secrets).build();
      events.onNext(WatchSecretsResponse.newBuilder().setInitialSet(set).build());
    }

    void sync() {
      WatchSyncMarker marker = WatchSyncMarker.getDefaultInstance();
      events.onNext(WatchSecretsResponse.newBuilder().setSyncMarker(marker).build());
    }

    void change(Secret secret) {
      WatchChange change = WatchChange.newBuilder().setSecret(secret).build();
      events.onNext(WatchSecretsResponse.newBuilder().setChange(change).build());
    }

    void remove(String name) {
      WatchRemoval removal = WatchRemoval.newBuilder().setName(name).build();
      events.onNext(WatchSecretsResponse.newBuilder().setRemoval(removal).build());
    }

    void beat(long seconds) {
      WatchHeartbeat.Builder beat = WatchHeartbeat.newBuilder();
      beat.getCurrentTimeBuilder().setSeconds(seconds);
      events.onNext(WatchSecretsResponse.newBuilder().setHeartbeat(beat).build());
    }

    void end(Status.Code code) {
      events.onError(code.toStatus().withDescription("played").asException());
    }
  }
}
