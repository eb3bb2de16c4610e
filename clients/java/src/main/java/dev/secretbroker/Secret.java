package dev.secretbroker;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * One version of a secret with its payload.
 *
 * @param uid the generation: one life of the name; empty when the manager keeps none
 * @param version counts from 1 within the generation; 0 when the manager keeps none
 * @param createTime when this version was created; empty when that is not known
 * @param expireTime when this version stops being readable; empty when it never does
 */
public record Secret(
    String name,
    String uid,
    int version,
    Payload payload,
    Optional<Instant> createTime,
    Optional<Instant> expireTime,
    String description,
    Map<String, String> tags) {}
