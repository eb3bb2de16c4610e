package dev.secretbroker;

import java.util.List;

/**
 * A part of a list.
 *
 * @param secrets in the order of their names
 * @param nextPageToken what to ask the next page with; empty on the last page
 */
public record SecretPage(List<SecretDescription> secrets, String nextPageToken) {}
