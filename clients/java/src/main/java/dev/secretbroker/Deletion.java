package dev.secretbroker;

import java.time.Instant;
import java.util.Optional;

/**
 * What became of a deletion.
 *
 * @param deleted whether there was anything to delete
 * @param uid the generation that was deleted; empty when the manager keeps none
 * @param restorableUntil empty when the secret cannot be restored
 */
public record Deletion(boolean deleted, String uid, Optional<Instant> restorableUntil) {}
