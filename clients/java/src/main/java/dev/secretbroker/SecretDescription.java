package dev.secretbroker;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * What is known of a secret without its payload. Times that are not known are empty.
 *
 * @param uid the generation; empty when the manager keeps none
 * @param activeVersion what a plain read returns; 0 when the manager keeps no versions
 * @param deleteTime when the secret was deleted; empty while it is live
 * @param restorableUntil until when a deleted secret can be restored
 */
public record SecretDescription(
    String name,
    String uid,
    int activeVersion,
    Optional<Instant> createTime,
    Optional<Instant> updateTime,
    Optional<Instant> expireTime,
    String description,
    Map<String, String> tags,
    Optional<Instant> deleteTime,
    Optional<Instant> restorableUntil) {}
