import { fileURLToPath } from "node:url";
import { defineConfig, type ViteUserConfig } from "vitest/config";

/** The package's doors as users import them → the sources behind them. */
const doors = {
  "secret-broker": "src/client/index.ts",
  "secret-broker/contract": "src/contract/index.ts",
  "secret-broker/testkit": "src/testkit/index.ts",
  "secret-broker/server": "src/app/index.ts",
};

const config: ViteUserConfig = defineConfig({
  resolve: {
    alias: Object.entries(doors).map(([door, source]) => ({
      find: new RegExp(`^${door}$`, "u"),
      replacement: fileURLToPath(new URL(source, import.meta.url)),
    })),
  },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/setup/build.ts", "test/setup/hold-default-ports.ts"],
    pool: "forks",
    // Servers, sockets and compilers on a small machine: more workers only make each test slower.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});

export default config;
