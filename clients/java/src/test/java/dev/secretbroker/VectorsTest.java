package dev.secretbroker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Makes every call of ../vectors and compares what is answered. */
class VectorsTest {
  private static final VectorCalls CALLS = new VectorCalls();

  @AfterAll
  static void close() {
    CALLS.close();
  }

  @TestFactory
  List<DynamicContainer> agreesWithTheVectors() throws IOException {
    TestBroker.address();
    try (Stream<Path> files = Files.list(TestBroker.VECTORS)) {
      List<DynamicContainer> all =
          files
              .filter(file -> file.getFileName().toString().matches("\\d.*\\.json"))
              .sorted()
              .map(VectorsTest::steps)
              .toList();
      assertFalse(all.isEmpty(), "there are vectors");
      return all;
    }
  }

  private static DynamicContainer steps(Path file) {
    Map<String, JsonElement> saved = new HashMap<>();
    Stream<DynamicTest> steps =
        TestBroker.json(file).getAsJsonArray("steps").asList().stream()
            .map(JsonElement::getAsJsonObject)
            .map(step -> DynamicTest.dynamicTest(step.get("title").getAsString(), () -> run(step, saved)));
    return DynamicContainer.dynamicContainer(file.getFileName().toString(), steps);
  }

  private static void run(JsonObject step, Map<String, JsonElement> saved) throws InterruptedException {
    JsonObject args = expand(step.get("args"), saved).getAsJsonObject();
    boolean isEventual = step.has("eventually");
    long giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(15);
    while (true) {
      String problem = problemOf(step, args, saved);
      if (!isEventual || problem.isEmpty() || System.nanoTime() > giveUp) {
        assertEquals("", problem);
        return;
      }
      Thread.sleep(20);
    }
  }

  private static String problemOf(JsonObject step, JsonObject args, Map<String, JsonElement> saved) {
    String caller = step.has("as") ? step.get("as").getAsString() : "owner";
    JsonObject answer;
    try {
      answer = CALLS.call(caller, step.get("op").getAsString(), args);
    } catch (SecretBrokerException failure) {
      if (!step.has("error")) {
        return failure.getMessage();
      }
      String text = args.has("text") ? args.get("text").getAsString() : "";
      if (!text.isEmpty() && failure.getMessage().contains(text)) {
        return "the error holds the payload";
      }
      return difference("error", step.get("error"), VectorCalls.show(failure));
    }
    if (step.has("error")) {
      return "must fail, but answered " + answer;
    }
    String problem = difference("answer", expand(step.get("expect"), saved), answer);
    if (problem.isEmpty() && step.has("save")) {
      step.getAsJsonObject("save")
          .entrySet()
          .forEach(each -> saved.put(each.getKey(), answer.get(each.getValue().getAsString())));
    }
    return problem;
  }

  /** Replaces repeated and saved texts. */
  private static JsonElement expand(JsonElement value, Map<String, JsonElement> saved) {
    if (value instanceof JsonArray items) {
      JsonArray expanded = new JsonArray();
      items.forEach(item -> expanded.add(expand(item, saved)));
      return expanded;
    }
    if (!(value instanceof JsonObject members)) {
      return value;
    }
    if (members.has("repeat")) {
      return new JsonPrimitive(members.get("repeat").getAsString().repeat(members.get("times").getAsInt()));
    }
    if (members.has("saved")) {
      return saved.get(members.get("saved").getAsString());
    }
    JsonObject expanded = new JsonObject();
    members.entrySet().forEach(each -> expanded.add(each.getKey(), expand(each.getValue(), saved)));
    return expanded;
  }

  /** How an answer differs from what is expected; empty when it does not. */
  private static String difference(String place, JsonElement expected, JsonElement actual) {
    if (expected instanceof JsonNull) {
      return isNothing(actual) ? "" : place + " is " + actual + " and must not be there";
    }
    if (expected instanceof JsonObject members) {
      boolean isWhole = !place.endsWith(".tags") || actual.getAsJsonObject().size() == members.size();
      if (!(actual instanceof JsonObject) || !isWhole) {
        return place + " is " + actual + " and must be " + expected;
      }
      return members.entrySet().stream()
          .map(each -> difference(place + "." + each.getKey(), each.getValue(), actual.getAsJsonObject().get(each.getKey())))
          .filter(problem -> !problem.isEmpty())
          .findFirst()
          .orElse("");
    }
    if (expected instanceof JsonArray items) {
      if (!(actual instanceof JsonArray found) || found.size() != items.size()) {
        return place + " is " + actual + " and must be " + expected;
      }
      for (int index = 0; index < items.size(); index++) {
        String problem = difference(place + "[" + index + "]", items.get(index), found.get(index));
        if (!problem.isEmpty()) {
          return problem;
        }
      }
      return "";
    }
    boolean isAnyText = expected.equals(new JsonPrimitive("*")) && actual != null && !actual.getAsString().isEmpty();
    return isAnyText || expected.equals(actual) ? "" : place + " is " + actual + " and must be " + expected;
  }

  private static boolean isNothing(JsonElement actual) {
    return actual == null
        || actual.isJsonNull()
        || (actual instanceof JsonPrimitive single && (single.getAsString().isEmpty() || single.getAsString().equals("0")));
  }
}
