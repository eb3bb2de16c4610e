package dev.secretbroker;

import java.nio.file.Path;
import java.util.Optional;

/**
 * PEM files for an encrypted connection.
 *
 * @param ca the authority that vouches for the broker; the system's when empty
 * @param certificate with its key, in PKCS #8, proves the caller to the broker (mTLS); both are read for each connection, so
 *     that renewed ones are used without a restart
 * @param serverName what the broker's certificate must be for; the address's host when empty
 */
public record TlsFiles(
    Optional<Path> ca, Optional<Path> certificate, Optional<Path> key, Optional<String> serverName) {
  public TlsFiles {
    if (certificate.isPresent() != key.isPresent()) {
      throw SecretBrokerException.invalidField("tls", "needs the certificate and its key, or neither");
    }
  }

  /** Trusts the system's authorities. */
  public static TlsFiles system() {
    return new TlsFiles(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** Trusts an authority of its own. */
  public static TlsFiles trusting(Path ca) {
    return new TlsFiles(Optional.of(ca), Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** Proves the caller with a certificate. */
  public TlsFiles identifiedBy(Path certificate, Path key) {
    return new TlsFiles(ca, Optional.of(certificate), Optional.of(key), serverName);
  }

  /** Expects a certificate for another name than the address's host. */
  public TlsFiles servedAs(String serverName) {
    return new TlsFiles(ca, certificate, key, Optional.of(serverName));
  }
}
