/** What was asked for could not be done on this machine. Its message never quotes a value. */
export class ActionError extends Error {
  override readonly name = "ActionError";
}
