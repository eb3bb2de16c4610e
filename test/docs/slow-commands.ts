/** Commands of the documents that are too slow to be executed here, each proved by a line of `.ci/run`. */
export const provedByCi = ["npm ci", "npm test"] as const;

/** Commands that are not executed at all, with the reason. */
export const notExecuted: ReadonlyMap<RegExp, string> = new Map([
  [/^docker /u, "needs a container engine; scripts/prove-dockerfile.mjs does what the Dockerfile says without one"],
  [/^python3 -m venv \.\.\/my-proxy\/venv$/u, "the reader is given the Python that scripts/ci/install-peers.sh makes"],
  [/^\.\.\/my-proxy\/venv\/bin\/python -m pip install /u, "scripts/ci/install-peers.sh installs both in that Python"],
  [/\/v1\/chat\/completions$/u, "asks a provider of models; test/interop/litellm.test.ts does it with one of its own"],
  [/^secret-broker manager verify /u, "takes half a minute; test/cli/manager-command.test.ts runs it"],
  [/^npm install \.\.\/secret-broker$/u, "the reader links the package itself, as npm does for a folder"],
]);
