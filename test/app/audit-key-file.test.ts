import { mkdtemp, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openAuditKey } from "../../src/app/audit-key-file.js";
import type { Log } from "../../src/log/log.js";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const silent = (): void => undefined;
const log: Log = { error: silent, warn: silent, info: silent, debug: silent };

describe("the key of an audit trail", () => {
  it("is made once, for its user alone, however many ask for it", async () => {
    const path = join(folder, "audit.key");
    const first = await openAuditKey(path, log);
    expect((await openAuditKey(path, log)).id).toBe(first.id);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("is refused where a link to nothing stands, rather than tried again for ever", async () => {
    const path = join(folder, "audit.key");
    await symlink(join(folder, "nothing"), path);
    await expect(openAuditKey(path, log)).rejects.toMatchObject({ reason: "CONFIG_INVALID" });
  });
});
