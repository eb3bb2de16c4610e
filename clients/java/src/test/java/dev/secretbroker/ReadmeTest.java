package dev.secretbroker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiles each program of the README, and runs it. */
class ReadmeTest {
  private static final Pattern PROGRAM = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
  private static final Pattern CLASS = Pattern.compile("public class (\\w+)");
  private static final List<String> PRINTS =
      List.of(
          "6 characters; printed it is [redacted]\nthere is no such secret\n",
          "readme/CERTIFICATE true\nreadme/CERTIFICATE true\nreadme/ABSENT false\nreadme/CERTIFICATE ",
          "from memory, at most 30 seconds old: true\n");

  @Test
  void theProgramsRun(@TempDir Path folder) throws Exception {
    String address = TestBroker.address();
    Matcher programs = PROGRAM.matcher(Files.readString(Path.of("README.md")));
    for (String prints : PRINTS) {
      assertTrue(programs.find(), "a program that prints " + prints);
      String output = run(folder, programs.group(1), address);
      assertTrue(output.contains(prints), output);
    }
    assertFalse(programs.find(), "no other program");
  }

  private static String run(Path folder, String program, String address) throws Exception {
    Matcher name = CLASS.matcher(program);
    assertTrue(name.find());
    Path source = Files.writeString(folder.resolve(name.group(1) + ".java"), program);
    String classPath = System.getProperty("java.class.path");
    String[] parameters = {"-proc:none", "-cp", classPath, "-d", folder.toString(), source.toString()};
    assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, parameters));
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    ProcessBuilder process =
        new ProcessBuilder(java, "-cp", folder + File.pathSeparator + classPath, name.group(1))
            .redirectErrorStream(true);
    process.environment().put("SECRET_BROKER_ADDRESS", address);
    process.environment().put("SECRET_BROKER_TOKEN", TestBroker.token("owner"));
    Process started = process.start();
    String output = new String(started.getInputStream().readAllBytes());
    assertEquals(0, started.waitFor(), output);
    return output;
  }
}
