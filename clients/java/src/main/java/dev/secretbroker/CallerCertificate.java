package dev.secretbroker;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A certificate that proves the caller, and its key.
 *
 * @param alias is no other certificate's
 * @param chain begins with the certificate itself
 */
record CallerCertificate(String alias, X509Certificate[] chain, PrivateKey key) {
  private static final Pattern PKCS8 =
      Pattern.compile("-----BEGIN PRIVATE KEY-----(.*?)-----END PRIVATE KEY-----", Pattern.DOTALL);
  private static final Map<String, String> SIGNATURES = Map.of("RSA", "SHA256withRSA", "EC", "SHA256withECDSA");

  /** Reads PEM files; fails where the key is not the certificate's. */
  static CallerCertificate read(Path certificate, Path key) throws IOException, GeneralSecurityException {
    X509Certificate[] chain;
    try (InputStream pem = Files.newInputStream(certificate)) {
      chain = CertificateFactory.getInstance("X.509").generateCertificates(pem).toArray(X509Certificate[]::new);
    }
    if (chain.length == 0) {
      throw new CertificateException("there is no certificate");
    }
    PrivateKey own = privateKey(Files.readString(key), chain[0].getPublicKey().getAlgorithm());
    assertPair(chain[0], own);
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(chain[0].getEncoded());
    return new CallerCertificate(HexFormat.of().formatHex(digest), chain, own);
  }

  private static PrivateKey privateKey(String text, String algorithm) throws GeneralSecurityException {
    Matcher pem = PKCS8.matcher(text);
    if (!pem.find()) {
      throw new InvalidKeyException("there is no key in PKCS #8");
    }
    byte[] encoded = Base64.getMimeDecoder().decode(pem.group(1));
    return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(encoded));
  }

  private static void assertPair(X509Certificate certificate, PrivateKey key) throws GeneralSecurityException {
    String algorithm = key.getAlgorithm();
    Signature signature = Signature.getInstance(SIGNATURES.getOrDefault(algorithm, algorithm));
    signature.initSign(key);
    signature.update(certificate.getEncoded());
    byte[] signed = signature.sign();
    signature.initVerify(certificate.getPublicKey());
    signature.update(certificate.getEncoded());
    if (!signature.verify(signed)) {
      throw new InvalidKeyException("the key is another certificate's");
    }
  }
}
