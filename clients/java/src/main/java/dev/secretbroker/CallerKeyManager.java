package dev.secretbroker;

import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;

/** Proves the caller with what files hold when a connection is made, so that renewed ones need no new client. */
final class CallerKeyManager extends X509ExtendedKeyManager {
  private final Path certificate;
  private final Path key;
  private CallerCertificate current;
  /** A handshake may still be under way with the one before. */
  private CallerCertificate previous;

  /** Fails where the files do not hold a certificate and its key. */
  CallerKeyManager(Path certificate, Path key) throws IOException, GeneralSecurityException {
    this.certificate = certificate;
    this.key = key;
    this.current = CallerCertificate.read(certificate, key);
    this.previous = current;
  }

  @Override
  public synchronized String chooseEngineClientAlias(String[] keyTypes, Principal[] issuers, SSLEngine engine) {
    try {
      CallerCertificate read = CallerCertificate.read(certificate, key);
      if (!read.alias().equals(current.alias())) {
        previous = current;
        current = read;
      }
    } catch (IOException | GeneralSecurityException | IllegalArgumentException beingRenewed) {
      // Of two files that are renewed one after the other, the first does not go with the second's old content.
    }
    return current.alias();
  }

  private synchronized Optional<CallerCertificate> named(String alias) {
    return Stream.of(current, previous).filter(each -> each.alias().equals(alias)).findFirst();
  }

  @Override
  public X509Certificate[] getCertificateChain(String alias) {
    return named(alias).map(CallerCertificate::chain).orElse(null);
  }

  @Override
  public PrivateKey getPrivateKey(String alias) {
    return named(alias).map(CallerCertificate::key).orElse(null);
  }

  @Override
  public String chooseClientAlias(String[] keyTypes, Principal[] issuers, Socket socket) {
    return chooseEngineClientAlias(keyTypes, issuers, null);
  }

  @Override
  public String[] getClientAliases(String keyType, Principal[] issuers) {
    return new String[] {chooseEngineClientAlias(new String[] {keyType}, issuers, null)};
  }

  @Override
  public String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
    return null;
  }

  @Override
  public String[] getServerAliases(String keyType, Principal[] issuers) {
    return null;
  }
}
