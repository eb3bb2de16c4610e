/** A command line that cannot be followed. Its message never quotes an argument that could be a value. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
