package dev.secretbroker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.secretbroker.v1.ReadSecretRequest;
import dev.secretbroker.v1.ReadSecretResponse;
import dev.secretbroker.v1.Secret;
import dev.secretbroker.v1.SecretBrokerGrpc;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.TlsServerCredentials;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TLS and mTLS with certificates that openssl makes. */
class TlsTest {
  private static final Context.Key<String> CALLER = Context.key("caller");

  @TempDir private static Path folder;
  private static Server server;

  private static void openssl(String... parameters) throws Exception {
    List<String> command = new java.util.ArrayList<>(List.of("openssl"));
    command.addAll(List.of(parameters));
    Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), output);
  }

  private static void authority(String name) throws Exception {
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
        "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".pem");
  }

  private static void issue(String authority, String name) throws Exception {
    issue(authority, name, name, "EC", "-pkeyopt", "ec_paramgen_curve:P-256");
  }

  /** A certificate for a caller, in files of another name, with a kind of key. */
  private static void issue(String authority, String name, String caller, String... algorithm) throws Exception {
    List<String> key = new java.util.ArrayList<>(List.of("genpkey", "-out", name + ".key", "-algorithm"));
    key.addAll(List.of(algorithm));
    openssl(key.toArray(String[]::new));
    openssl("req", "-new", "-key", name + ".key", "-subj", "/CN=" + caller, "-out", name + ".csr");
    Files.writeString(folder.resolve("san"), "subjectAltName=IP:127.0.0.1,DNS:broker.test");
    openssl(
        "x509", "-req", "-in", name + ".csr", "-CA", authority + ".pem", "-CAkey", authority + ".key",
        "-CAcreateserial", "-days", "1", "-extfile", "san", "-out", name + ".pem");
  }

  private static Path file(String name) {
    return folder.resolve(name);
  }

  /** Answers a read with who called, and with which token. */
  private static final class CallerBroker extends SecretBrokerGrpc.SecretBrokerImplBase
      implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      try {
        var session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
        var certificate = (X509Certificate) session.getPeerCertificates()[0];
        String token = headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER));
        String caller = certificate.getSubjectX500Principal().getName() + (token == null ? "" : " " + token);
        return Contexts.interceptCall(Context.current().withValue(CALLER, caller), call, headers, next);
      } catch (javax.net.ssl.SSLPeerUnverifiedException failure) {
        throw new IllegalStateException(failure);
      }
    }

    @Override
    public void readSecret(ReadSecretRequest request, StreamObserver<ReadSecretResponse> answers) {
      Secret secret = Secret.newBuilder().setName(request.getName()).setText(CALLER.get()).build();
      answers.onNext(ReadSecretResponse.newBuilder().setSecret(secret).build());
      answers.onCompleted();
    }
  }

  @BeforeAll
  static void serve() throws Exception {
    authority("own");
    authority("other");
    issue("own", "server");
    issue("own", "client");
    issue("other", "stranger");
    var credentials =
        TlsServerCredentials.newBuilder()
            .keyManager(file("server.pem").toFile(), file("server.key").toFile())
            .trustManager(file("own.pem").toFile())
            .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
            .build();
    CallerBroker broker = new CallerBroker();
    server = Grpc.newServerBuilderForPort(0, credentials).addService(broker).intercept(broker).build().start();
  }

  @AfterAll
  static void stop() {
    server.shutdownNow();
  }

  private static String caller(TlsFiles files) {
    String address = "127.0.0.1:" + server.getPort();
    try (SecretBrokerClient client =
        SecretBrokerClient.builder(address).tls(files).token("sbt_placeholder").build()) {
      return client.read("caller").text();
    }
  }

  private static TlsFiles own() {
    return TlsFiles.trusting(file("own.pem")).identifiedBy(file("client.pem"), file("client.key"));
  }

  @Test
  void bothSidesAreProven() {
    assertEquals("CN=client Bearer sbt_placeholder", caller(own()));
    assertEquals("CN=client Bearer sbt_placeholder", caller(own().servedAs("broker.test")));
  }

  @Test
  void aRenewedCertificateIsUsedWithoutARestart() throws Exception {
    TlsFiles files = TlsFiles.trusting(file("own.pem")).identifiedBy(file("renewed.pem"), file("renewed.key"));
    issue("own", "renewed");
    try (SecretBrokerClient client = SecretBrokerClient.builder("127.0.0.1:" + server.getPort()).tls(files).build()) {
      issue("own", "renewed", "second", "RSA");
      assertEquals("CN=second", client.read("caller").text());
    }
  }

  @Test
  void aCertificateThatIsBeingRenewedIsUsedOnceItsKeyIsThere() throws Exception {
    issue("own", "renewed");
    issue("own", "next");
    CallerKeyManager proof = new CallerKeyManager(file("renewed.pem"), file("renewed.key"));
    String first = proof.chooseEngineClientAlias(new String[] {"EC"}, null, null);
    Files.copy(file("next.pem"), file("renewed.pem"), StandardCopyOption.REPLACE_EXISTING);
    assertEquals(first, proof.chooseEngineClientAlias(new String[] {"EC"}, null, null));
    Files.delete(file("renewed.key"));
    assertEquals(first, proof.chooseEngineClientAlias(new String[] {"EC"}, null, null));
    Files.copy(file("next.key"), file("renewed.key"));
    String second = proof.chooseEngineClientAlias(new String[] {"EC"}, null, null);
    assertEquals("CN=next", proof.getCertificateChain(second)[0].getSubjectX500Principal().getName());
    // A handshake may have begun before.
    assertEquals("CN=renewed", proof.getCertificateChain(first)[0].getSubjectX500Principal().getName());
    assertNotEquals(proof.getPrivateKey(first), proof.getPrivateKey(second));
  }

  @Test
  void whatIsNotProvenIsRefused() {
    TlsFiles stranger = TlsFiles.trusting(file("own.pem")).identifiedBy(file("stranger.pem"), file("stranger.key"));
    List<TlsFiles> refused =
        List.of(
            own().servedAs("another.test"),
            TlsFiles.trusting(file("other.pem")),
            TlsFiles.trusting(file("own.pem")),
            TlsFiles.system(),
            stranger);
    for (TlsFiles files : refused) {
      SecretBrokerException failure = assertThrows(SecretBrokerException.class, () -> caller(files));
      assertEquals(Reason.MANAGER_UNAVAILABLE, failure.reason(), failure.getMessage());
    }
  }

  @Test
  void filesThatHoldNothingOfTheKindAreRefused() throws IOException {
    Path text = Files.writeString(file("text.pem"), "no certificate");
    TlsFiles own = TlsFiles.trusting(file("own.pem"));
    List<TlsFiles> refused =
        List.of(
            new TlsFiles(Optional.of(text), Optional.empty(), Optional.empty(), Optional.empty()),
            own.identifiedBy(text, file("client.key")),
            own.identifiedBy(file("client.pem"), text),
            own.identifiedBy(file("client.pem"), file("server.key")),
            own.identifiedBy(file("client.pem"), file("absent.key")));
    for (TlsFiles files : refused) {
      SecretBrokerException failure = assertThrows(SecretBrokerException.class, () -> caller(files));
      assertEquals("tls", failure.violations().get(0).field());
    }
  }
}
