package dev.secretbroker;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What is known of a secret and its versions.
 *
 * @param versions oldest first; empty when the manager keeps none
 * @param changedBy the principal that last changed the secret; empty when the manager does not know
 */
public record History(
    SecretDescription secret, List<SecretVersion> versions, String changedBy, Optional<Instant> changeTime) {}
