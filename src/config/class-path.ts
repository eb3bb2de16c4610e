/** Says how a path such as `my_secret_manager.InMemorySecretManager` is written wrong, or nothing when it is right. */
export function classPathProblem(classPath: string): string | undefined {
  const example = "such as my_secret_manager.InMemorySecretManager";
  if (/[/\\]/u.test(classPath)) {
    return `must not contain a folder: the file lies beside the configuration; write FILE.CLASS, ${example}`;
  }
  const segments = classPath.split(".");
  if (segments.length === 2 && !segments.includes("")) return undefined;
  return `must be a file name without its extension and a class name, with exactly one dot between them, ${example}`;
}
