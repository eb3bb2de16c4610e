package dev.secretbroker;

import java.util.Optional;

/**
 * What became of one read of a batch: an answer or a failure.
 *
 * @param answer empty when the read failed
 * @param failure empty when it did not
 */
public record BatchResult(String name, Optional<Answer> answer, Optional<SecretBrokerException> failure) {
  /**
   * The answer.
   *
   * @throws SecretBrokerException the failure
   */
  public Answer orThrow() {
    return answer.orElseThrow(failure::orElseThrow);
  }
}
