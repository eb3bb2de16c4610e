package dev.secretbroker;

import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a broker is: a host and a port, or a socket.
 *
 * @param socketPath null for a host and a port
 */
record BrokerAddress(String host, int port, Path socketPath) {
  private static final String UNIX = "unix:";
  private static final Pattern TCP = Pattern.compile("(?:\\[([0-9a-fA-F:.]+)\\]|([A-Za-z0-9._-]+)):(\\d{1,5})");
  private static final Pattern LOOPBACK = Pattern.compile("(?i)localhost|127(?:\\.\\d{1,3}){3}|::1");

  static BrokerAddress parse(String text) {
    if (text.startsWith(UNIX)) {
      return parseUnix(text.substring(UNIX.length()));
    }
    Matcher match = TCP.matcher(text);
    if (!match.matches()) {
      throw SecretBrokerException.invalidField("address", "must be host:port, [ipv6]:port or unix:PATH");
    }
    int port = Integer.parseInt(match.group(3));
    if (port < 1 || port > 65_535) {
      throw SecretBrokerException.invalidField("address", "must have a port from 1 to 65535");
    }
    return new BrokerAddress(match.group(1) == null ? match.group(2) : match.group(1), port, null);
  }

  private static BrokerAddress parseUnix(String path) {
    if (path.isEmpty() || path.indexOf('\0') >= 0) {
      throw SecretBrokerException.invalidField("address", "must name a socket after unix:");
    }
    return new BrokerAddress("localhost", 0, Path.of(path).toAbsolutePath());
  }

  boolean isUnix() {
    return socketPath != null;
  }

  /** Whether nothing leaves this machine. */
  boolean isLocal() {
    return isUnix() || LOOPBACK.matcher(host).matches();
  }

  /** As gRPC dials it. */
  String target() {
    // A target is a URI, whose path holds no brackets as they are.
    String literal = host.indexOf(':') >= 0 ? "%5B" + host + "%5D" : host;
    return "dns:///" + literal + ":" + port;
  }

}
