package dev.secretbroker;

import java.time.Instant;
import java.util.Optional;

/**
 * What is known of one version without its payload. Times that are not known are empty.
 *
 * @param version counts from 1 within the generation; 0 when the manager keeps none
 * @param active whether a plain read returns this version
 */
public record SecretVersion(
    String name,
    String uid,
    int version,
    boolean active,
    Optional<Instant> createTime,
    Optional<Instant> expireTime,
    Optional<Instant> destroyTime) {}
