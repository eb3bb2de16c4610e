package dev.secretbroker;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A broker of a test's own, which it may end and start again: this repository's, with the vectors' configuration. */
final class OwnBroker implements AutoCloseable {
  private static final Path REPOSITORY = Path.of("../..").toAbsolutePath().normalize();

  private final Path folder;
  private Optional<String> address = Optional.empty();
  private Process process;

  /** @param more lines of the configuration's last section */
  OwnBroker(String more) throws IOException {
    TestBroker.address();
    folder = Files.createTempDirectory("sb-java-");
    put("config.yaml", more);
    put("tokens.yaml", "");
    start();
  }

  private void put(String name, String more) throws IOException {
    Path file = folder.resolve(name);
    Files.writeString(file, Files.readString(TestBroker.VECTORS.resolve(name)) + more);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
  }

  /** Starts it, again at the address it had. */
  void start() throws IOException {
    String node = System.getenv("SECRET_BROKER_NODE");
    List<String> command = new ArrayList<>();
    command.add(node == null ? REPOSITORY.resolve("node_modules/.bin/node").toString() : node);
    command.addAll(List.of(REPOSITORY.resolve("dist/main.js").toString(), "serve"));
    command.addAll(List.of("--config", folder.resolve("config.yaml").toString()));
    address.ifPresent(known -> command.addAll(List.of("--listen", known)));
    process = new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    BufferedReader lines = process.errorReader();
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Matcher found = Pattern.compile("gRPC +(127\\.0\\.0\\.1:\\d+)").matcher(line);
      if (found.find()) {
        address = Optional.of(found.group(1));
        break;
      }
    }
    Thread drain = new Thread(() -> lines.lines().forEach(line -> {}));
    drain.setDaemon(true);
    drain.start();
  }

  /** Ends it without a word. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  SecretBrokerClient.Builder client() {
    return SecretBrokerClient.builder(address.orElseThrow()).token(TestBroker.token("owner"));
  }

  @Override
  public void close() throws InterruptedException, IOException {
    kill();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
