package dev.secretbroker;

import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongFunction;

/** A connection to a broker, with whatever it needs. */
final class Transport implements AutoCloseable {
  /** Room for a batch of large payloads; the broker bounds what it sends. */
  private static final int MAX_RECEIVE_BYTES = 256 << 20;

  private static final long CLOSE_SECONDS = 5;

  private static final long RECONNECT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final ManagedChannel channel;
  private final EventLoopGroup ownLoops;
  private final Retries retries;
  private long reconnectedAt = System.nanoTime() - RECONNECT_NANOS;

  private Transport(ManagedChannel channel, EventLoopGroup ownLoops, Retries retries) {
    this.channel = channel;
    this.ownLoops = ownLoops;
    this.retries = retries;
  }

  static Transport open(BrokerAddress address, Optional<TlsFiles> tls, RetryOptions retries) {
    if (tls.isEmpty() && !address.isLocal()) {
      String rule = "must be on this machine (a loopback address or unix:PATH) or be used with TLS";
      throw SecretBrokerException.invalidField("address", rule);
    }
    if (address.isUnix() && !Epoll.isAvailable()) {
      String rule = "must be host:port here, as sockets need Linux on x86-64 or ARM64";
      throw SecretBrokerException.invalidField("address", rule);
    }
    ChannelCredentials credentials = tls.map(Transport::credentials).orElseGet(InsecureChannelCredentials::create);
    EventLoopGroup loops = null;
    try {
      NettyChannelBuilder builder;
      if (address.isUnix()) {
        loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        DomainSocketAddress socket = new DomainSocketAddress(address.socketPath().toString());
        builder =
            NettyChannelBuilder.forAddress(socket, credentials)
                .eventLoopGroup(loops)
                .channelType(EpollDomainSocketChannel.class)
                // gRPC sets it for every channel, and a socket warns that it has none.
                .withOption(ChannelOption.SO_KEEPALIVE, null)
                .overrideAuthority("localhost");
      } else {
        builder = NettyChannelBuilder.forTarget(address.target(), credentials);
      }
      tls.flatMap(TlsFiles::serverName).ifPresent(builder::overrideAuthority);
      ManagedChannel channel =
          builder
              .maxInboundMessageSize(MAX_RECEIVE_BYTES)
              .disableServiceConfigLookUp()
              .disableRetry()
              // A proxy named in the environment must not see secrets.
              .proxyDetector(target -> null)
              .build();
      return new Transport(channel, loops, new Retries(retries));
    } catch (IllegalArgumentException unreadable) {
      if (loops != null) {
        loops.shutdownGracefully(0, 0, TimeUnit.SECONDS);
      }
      throw tls.isPresent()
          ? notPem()
          : SecretBrokerException.invalidField("address", "cannot be dialled");
    }
  }

  private static ChannelCredentials credentials(TlsFiles files) {
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
    try {
      if (files.ca().isPresent()) {
        builder.trustManager(files.ca().get().toFile());
      }
      if (files.certificate().isPresent()) {
        Path key = files.key().orElseThrow();
        builder.keyManager(new CallerKeyManager(files.certificate().get(), key));
      }
    } catch (IOException unreadable) {
      throw SecretBrokerException.invalidField("tls", "must name files that can be read: " + unreadable.getMessage());
    } catch (GeneralSecurityException unusable) {
      throw notPem();
    }
    return builder.build();
  }

  private static SecretBrokerException notPem() {
    return SecretBrokerException.invalidField("tls", "must be PEM certificates with the key of the certificate");
  }

  ManagedChannel channel() {
    return channel;
  }

  /**
   * Makes one call within its time, more than once where it may be repeated and that may help.
   *
   * @param attempt is given the nanoseconds it may take
   */
  <A> A call(boolean isRepeatable, Duration timeout, LongFunction<A> attempt) {
    long deadline = System.nanoTime() + timeout.toNanos();
    for (int attempts = 1; ; attempts++) {
      try {
        A answer = attempt.apply(deadline - System.nanoTime());
        retries.noteAnswer();
        return answer;
      } catch (RuntimeException thrown) {
        SecretBrokerException failure = SecretBrokerException.fromCall(thrown);
        if (failure.code() == Status.Code.UNAVAILABLE) {
          reconnect();
        }
        if (!isRepeatable || !retries.pauseAfter(failure, attempts, deadline - System.nanoTime())) {
          throw failure;
        }
      }
    }
  }

  /** Lets the next call connect at once: gRPC alone would wait up to two minutes for a broker that restarts. */
  synchronized void reconnect() {
    long now = System.nanoTime();
    if (now - reconnectedAt >= RECONNECT_NANOS) {
      reconnectedAt = now;
      channel.resetConnectBackoff();
    }
  }

  /** Ends the connection and whatever is running on it. */
  @Override
  public void close() {
    retries.close();
    channel.shutdownNow();
    try {
      channel.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    if (ownLoops != null) {
      ownLoops.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS);
    }
  }
}
