package dev.secretbroker;

import dev.secretbroker.v1.ListSecretsRequest;
import java.util.Map;

/** Which secrets a list holds. Not to be shared while it is being changed. */
public final class ListOptions {
  private final ListSecretsRequest.Builder request;

  /** Everything the caller may list. */
  public ListOptions() {
    this.request = ListSecretsRequest.newBuilder();
  }

  ListOptions(ListOptions other) {
    this.request = other.request.clone();
  }

  /** What names begin with. */
  public ListOptions prefix(String prefix) {
    request.setPrefix(prefix);
    return this;
  }

  /** Labels that secrets carry, all of them. */
  public ListOptions tags(Map<String, String> tags) {
    request.clearTags().putAllTags(tags);
    return this;
  }

  /** Whether deleted secrets that can still be restored are listed too. */
  public ListOptions showDeleted(boolean showDeleted) {
    request.setShowDeleted(showDeleted);
    return this;
  }

  /** The most secrets to fetch at once, 1 to 1,000; 100 unless given. */
  public ListOptions pageSize(int pageSize) {
    request.setPageSize(pageSize);
    return this;
  }

  /** The {@link SecretPage#nextPageToken()} of the page before. */
  public ListOptions pageToken(String pageToken) {
    request.setPageToken(pageToken);
    return this;
  }

  /** Handed to the manager untouched. */
  public ListOptions options(Map<String, ?> options) {
    request.setOptions(Wire.options(options));
    return this;
  }

  ListSecretsRequest message() {
    return request.build();
  }
}
