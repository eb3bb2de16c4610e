package dev.secretbroker;

import java.time.Instant;
import java.util.Optional;

/**
 * What became of a rotation.
 *
 * @param version the version that took over
 * @param previousRestorableUntil empty when what was there before cannot be brought back
 */
public record Rotation(SecretVersion version, Optional<Instant> previousRestorableUntil) {}
