package dev.secretbroker;

import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * What a watch asks for.
 *
 * @param names watched whether they exist yet or not; at most 1,000
 * @param prefixes watched with whatever appears under them; an empty one is everything the caller may watch; at most 100
 * @param known what the caller holds from before: versions that are still active are not sent again, and of secrets that
 *     are gone a removal is sent; at most 10,000
 * @param resumeRevision of the last sync marker or heartbeat: only what has changed since is sent; 0 asks for everything
 */
public record Subscription(
    List<String> names, List<String> prefixes, Map<String, Known> known, long resumeRevision) {
  /** A version the caller holds from before. */
  public record Known(String uid, int version) {}

  /** Names and prefixes, from the beginning. */
  public Subscription(Collection<String> names, Collection<String> prefixes) {
    this(List.copyOf(names), List.copyOf(prefixes), Map.of(), 0);
  }

  /** Names, from the beginning. */
  public static Subscription toNames(String... names) {
    return new Subscription(List.of(names), List.of());
  }

  /** Prefixes, from the beginning. */
  public static Subscription toPrefixes(String... prefixes) {
    return new Subscription(List.of(), List.of(prefixes));
  }
}
