package dev.secretbroker;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Makes the calls of the vectors through clients, one for each caller. */
final class VectorCalls implements AutoCloseable {
  private final Map<String, SecretBrokerClient> clients = new HashMap<>();
  private final Map<String, SecretStore> stores = new HashMap<>();

  JsonObject call(String caller, String operation, JsonObject args) {
    SecretBrokerClient client = clients.computeIfAbsent(caller, name -> TestBroker.as(name).build());
    return switch (operation) {
      case "read" -> show(client.read(name(args), readOptions(args)));
      case "batch" -> batch(client, args);
      case "list" -> list(client, args);
      case "describe" -> describe(client.describe(name(args)));
      case "write" -> show(client.write(name(args), payload(args), writeOptions(args)));
      case "delete" -> show(client.delete(name(args), deleteOptions(args)));
      case "rotate" -> show(client.rotate(name(args), payload(args), rotateOptions(args)).version());
      case "get" -> get(client, caller, name(args));
      default -> throw new AssertionError("no operation " + operation);
    };
  }

  private JsonObject get(SecretBrokerClient client, String caller, String name) {
    String key = caller + " " + name;
    return show(
        stores.computeIfAbsent(key, each -> client.openStore(new StoreOptions().names(name))).get(name));
  }

  private static String name(JsonObject args) {
    return args.get("name").getAsString();
  }

  private static Payload payload(JsonObject args) {
    return args.has("base64")
        ? Payload.binary(Base64.getDecoder().decode(args.get("base64").getAsString()))
        : Payload.text(args.get("text").getAsString());
  }

  private static void given(JsonObject args, String member, Consumer<JsonElement> use) {
    if (args.has(member)) {
      use.accept(args.get(member));
    }
  }

  private static ReadOptions readOptions(JsonObject args) {
    ReadOptions options = new ReadOptions();
    given(args, "version", value -> options.version(value.getAsInt()));
    given(args, "field", value -> options.field(value.getAsString()));
    given(args, "known_version", value -> options.knownVersion(value.getAsInt()));
    given(args, "max_staleness_ms", value -> options.maxStaleness(Duration.ofMillis(value.getAsLong())));
    return options;
  }

  private static WriteOptions writeOptions(JsonObject args) {
    WriteOptions options = new WriteOptions();
    given(args, "description", value -> options.description(value.getAsString()));
    given(args, "tags", value -> options.tags(tags(value)));
    given(args, "expected_version", value -> options.expectedVersion(value.getAsInt()));
    given(args, "request_id", value -> options.idempotencyId(value.getAsString()));
    given(args, "activate", value -> options.activate(value.getAsBoolean()));
    return options;
  }

  private static DeleteOptions deleteOptions(JsonObject args) {
    DeleteOptions options = new DeleteOptions();
    given(args, "recovery_window_in_days", value -> options.recoveryWindowInDays(value.getAsInt()));
    given(args, "expected_version", value -> options.expectedVersion(value.getAsInt()));
    given(args, "must_exist", value -> options.mustExist(value.getAsBoolean()));
    given(args, "request_id", value -> options.idempotencyId(value.getAsString()));
    return options;
  }

  private static RotateOptions rotateOptions(JsonObject args) {
    RotateOptions options = new RotateOptions();
    given(args, "new_name", value -> options.newName(value.getAsString()));
    given(args, "grace_period_ms", value -> options.gracePeriod(Duration.ofMillis(value.getAsLong())));
    return options;
  }

  private static JsonObject batch(SecretBrokerClient client, JsonObject args) {
    List<BatchRead> reads = new ArrayList<>();
    args.getAsJsonArray("reads")
        .forEach(read -> reads.add(new BatchRead(name(read.getAsJsonObject()), readOptions(read.getAsJsonObject()))));
    boolean isAtomic = args.has("atomic") && args.get("atomic").getAsBoolean();
    JsonArray results = new JsonArray();
    for (BatchResult result : client.batch(reads, isAtomic)) {
      JsonObject shown = new JsonObject();
      result.answer().ifPresent(answer -> shown.add("read", show(answer)));
      result.failure().ifPresent(failure -> shown.add("error", show(failure)));
      results.add(shown);
    }
    JsonObject answer = new JsonObject();
    answer.add("results", results);
    return answer;
  }

  private static JsonObject list(SecretBrokerClient client, JsonObject args) {
    ListOptions options = new ListOptions();
    given(args, "prefix", value -> options.prefix(value.getAsString()));
    given(args, "tags", value -> options.tags(tags(value)));
    given(args, "show_deleted", value -> options.showDeleted(value.getAsBoolean()));
    given(args, "page_size", value -> options.pageSize(value.getAsInt()));
    given(args, "page_token", value -> options.pageToken(value.getAsString()));
    SecretPage page = client.listPage(options);
    JsonArray secrets = new JsonArray();
    page.secrets().forEach(secret -> secrets.add(show(secret)));
    JsonObject answer = new JsonObject();
    answer.add("secrets", secrets);
    answer.addProperty("next_page_token", page.nextPageToken());
    return answer;
  }

  private static JsonObject describe(History history) {
    JsonArray versions = new JsonArray();
    history.versions().forEach(version -> versions.add(show(version)));
    JsonObject answer = new JsonObject();
    answer.add("secret", show(history.secret()));
    answer.add("versions", versions);
    answer.addProperty("changed_by", history.changedBy());
    return answer;
  }

  private static Map<String, String> tags(JsonElement value) {
    Map<String, String> tags = new HashMap<>();
    value.getAsJsonObject().entrySet().forEach(entry -> tags.put(entry.getKey(), entry.getValue().getAsString()));
    return tags;
  }

  private static JsonObject show(Map<String, String> members) {
    JsonObject shown = new JsonObject();
    members.forEach(shown::addProperty);
    return shown;
  }

  private static JsonObject show(Answer answer) {
    JsonObject shown = new JsonObject();
    shown.addProperty("not_modified", answer.notModified());
    shown.addProperty("name", answer.name());
    shown.addProperty("version", answer.version());
    shown.addProperty("served_from", answer.servedFrom().name().toLowerCase());
    answer
        .found()
        .ifPresent(
            secret -> {
              shown.addProperty("uid", secret.uid());
              shown.addProperty("description", secret.description());
              shown.add("tags", show(secret.tags()));
              if (secret.payload().isBinary()) {
                shown.addProperty("base64", Base64.getEncoder().encodeToString(secret.payload().bytes()));
              } else {
                shown.addProperty("text", secret.payload().text());
              }
            });
    return shown;
  }

  private static JsonObject show(SecretVersion version) {
    JsonObject shown = new JsonObject();
    shown.addProperty("version", version.version());
    shown.addProperty("active", version.active());
    shown.addProperty("uid", version.uid());
    return shown;
  }

  private static JsonObject show(SecretDescription secret) {
    JsonObject shown = new JsonObject();
    shown.addProperty("name", secret.name());
    shown.addProperty("uid", secret.uid());
    shown.addProperty("active_version", secret.activeVersion());
    shown.addProperty("description", secret.description());
    shown.add("tags", show(secret.tags()));
    shown.addProperty("deleted", secret.deleteTime().isPresent());
    return shown;
  }

  private static JsonObject show(Deletion deletion) {
    JsonObject shown = new JsonObject();
    shown.addProperty("status", deletion.deleted() ? "deleted" : "not_found");
    shown.addProperty("uid", deletion.uid());
    shown.addProperty("restorable", deletion.restorableUntil().isPresent());
    return shown;
  }

  /** A failure as the vectors describe it. */
  static JsonObject show(SecretBrokerException failure) {
    JsonObject shown = new JsonObject();
    shown.addProperty("status", failure.code().name());
    shown.addProperty("reason", failure.reason().name());
    JsonArray fields = new JsonArray();
    failure.violations().forEach(violation -> fields.add(violation.field()));
    shown.add("fields", fields);
    shown.add("metadata", show(failure.metadata()));
    shown.addProperty("retry", failure.retryDelay().isPresent());
    return shown;
  }

  @Override
  public void close() {
    stores.values().forEach(SecretStore::close);
    clients.values().forEach(SecretBrokerClient::close);
  }
}
