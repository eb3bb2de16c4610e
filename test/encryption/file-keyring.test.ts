import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileKeyring } from "../../src/encryption/file-keyring.js";
import { keyringIds, rotateKeyring } from "../../src/encryption/keyring-file.js";

let directory: string;
let path: string;
const open: FileKeyring[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "keyring-"));
  path = join(directory, "keys", "secrets.key");
});

afterEach(async () => {
  for (const keyring of open.splice(0)) keyring.close();
  await rm(directory, { recursive: true });
});

function openKeyring(notes: string[] = [], mayCreate = true): FileKeyring {
  const keyring = new FileKeyring(path, { mayCreate, onNote: (note) => notes.push(note) });
  open.push(keyring);
  return keyring;
}

const context = "context";
const dataKey = new Uint8Array(32).fill(7);

describe("a file of keys", () => {
  it("is made on the first start for its user alone, with a note that names it", () => {
    const notes: string[] = [];
    openKeyring(notes);
    expect((statSync(path).mode & 0o777).toString(8)).toBe("600");
    expect((statSync(join(directory, "keys")).mode & 0o777).toString(8)).toBe("700");
    expect(notes).toEqual([expect.stringContaining(path)]);
    const again: string[] = [];
    openKeyring(again);
    expect(again).toEqual([]);
  });

  it("is not made where a store is there already", () => {
    expect(() => openKeyring([], false)).toThrow(/needs the key it was written with/u);
    expect(existsSync(path)).toBe(false);
  });

  it.each([0o640, 0o604, 0o660, 0o666])("is refused with mode %s, with the command that helps", (mode) => {
    openKeyring();
    chmodSync(path, mode);
    expect(() => openKeyring()).toThrow(`chmod 600 ${path}`);
  });

  it.each(["", "{", "[]", '{"keys":[]}', '{"keys":[{"id":"a","key":"AAAA","createTime":""}]}'])(
    "is refused when it holds %s, and not written to",
    (text) => {
      openKeyring();
      writeFileSync(path, text);
      expect(() => openKeyring()).toThrow(/not a key file/u);
      expect(readFileSync(path, "utf8")).toBe(text);
    },
  );

  it("is refused when a key's bytes do not belong to its id", () => {
    openKeyring();
    const text = readFileSync(path, "utf8");
    const other = Buffer.alloc(32, 9).toString("base64");
    writeFileSync(path, text.replace(/"key": "[^"]+"/u, `"key": "${other}"`));
    expect(() => openKeyring()).toThrow(/not a key file/u);
  });

  it("is taken over after a rotation, and opens what the old key wrapped", async () => {
    const keyring = openKeyring();
    const wrapped = keyring.wrap(dataKey, context);
    const rotated = new Promise<string>((resolve) => keyring.onRotation(resolve));
    const id = rotateKeyring(path);
    expect(await rotated).toBe(id);
    expect(keyring.currentKeyId()).toBe(id);
    expect(id).not.toBe(wrapped.keyId);
    expect(keyring.unwrap(wrapped, context)).toEqual(dataKey);
    expect(keyringIds(path).map((key) => key.id)).toEqual([id, wrapped.keyId]);
  });

  it("is known at once to whoever meets a key it does not know yet", () => {
    const [reader, writer] = [openKeyring(), openKeyring()];
    rotateKeyring(path);
    const fresh = openKeyring().wrap(dataKey, context);
    expect(reader.unwrap(fresh, context)).toEqual(dataKey);
    expect(writer.unwrap(fresh, context)).toEqual(dataKey);
  });

  it("keeps the keys it has when the new file is bad or lacks one", () => {
    const notes: string[] = [];
    const keyring = openKeyring(notes);
    const wrapped = keyring.wrap(dataKey, context);
    const whole = readFileSync(path, "utf8");
    rotateKeyring(path);
    const fresh = openKeyring().wrap(dataKey, context);
    writeFileSync(path, whole.slice(0, 40));
    expect(() => keyring.unwrap(fresh, context)).toThrow(/is not configured/u);
    expect(keyring.unwrap(wrapped, context)).toEqual(dataKey);
    expect(notes.some((note) => note.includes("was not taken over"))).toBe(true);
  });

  it("gives no key for another context or a changed byte", () => {
    const keyring = openKeyring();
    const wrapped = keyring.wrap(dataKey, context);
    expect(() => keyring.unwrap(wrapped, "contexT")).toThrow(/do not verify/u);
    for (let index = 0; index < wrapped.bytes.length; index += 1) {
      const bytes = Uint8Array.from(wrapped.bytes);
      bytes[index] = (bytes[index] ?? 0) ^ 1;
      expect(() => keyring.unwrap({ ...wrapped, bytes }, context)).toThrow(/do not verify/u);
    }
  });
});
