package dev.secretbroker;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/** What a store holds, and for how long it answers from memory alone. */
public final class StoreOptions {
  private List<String> names = List.of();
  private List<String> prefixes = List.of();
  private Duration maxStaleness = Duration.ofMinutes(1);
  private Consumer<String> onChange = name -> {};

  /** Names to hold, whether they exist yet or not. At most 1,000. */
  public StoreOptions names(String... names) {
    this.names = List.of(names);
    return this;
  }

  /** Prefixes to hold, with whatever appears under them. At most 100. */
  public StoreOptions prefixes(String... prefixes) {
    this.prefixes = List.of(prefixes);
    return this;
  }

  /**
   * How old an answer may be; a minute unless given. The store asks the broker again whenever half of it has passed without
   * a sign that nothing has changed.
   */
  public StoreOptions maxStaleness(Duration maxStaleness) {
    if (maxStaleness.isNegative() || maxStaleness.isZero() || maxStaleness.compareTo(Duration.ofDays(365)) > 0) {
      throw SecretBrokerException.invalidField("max_staleness", "must be above 0 and at most a year");
    }
    this.maxStaleness = maxStaleness;
    return this;
  }

  /** Called with the name of each secret that changed or went, one after the other. It must not wait, nor close the store. */
  public StoreOptions onChange(Consumer<String> onChange) {
    this.onChange = onChange;
    return this;
  }

  /** What a store keeps of this: later changes do not reach it. */
  record Snapshot(Set<String> names, List<String> prefixes, Duration maxStaleness, Consumer<String> onChange) {
    boolean covers(String name) {
      return names.contains(name) || prefixes.stream().anyMatch(name::startsWith);
    }
  }

  Snapshot snapshot() {
    if (names.isEmpty() && prefixes.isEmpty()) {
      throw SecretBrokerException.invalidField("names", "must name something to hold, unless prefixes do");
    }
    return new Snapshot(Set.copyOf(names), prefixes, maxStaleness, onChange);
  }
}
