import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type KmsOptions, KmsV2Provider } from "../../src/encryption/kms-v2-provider.js";
import { type Binding, PayloadCipher } from "../../src/encryption/payload-cipher.js";
import { KmsPlugin } from "./kms-plugin.js";

let directory: string;
let plugin: KmsPlugin;
const open: KmsV2Provider[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "kms-"));
  plugin = new KmsPlugin(join(directory, "kms.sock"));
  await plugin.start();
});

afterEach(async () => {
  for (const provider of open.splice(0)) provider.close();
  plugin.stop();
  await rm(directory, { recursive: true });
});

/** One that asks its plug-in each time, unless the options say otherwise. */
async function openProvider(options: KmsOptions = {}): Promise<KmsV2Provider> {
  const asksEachTime = { statusIntervalMs: 60_000, maxUses: 1, maxKeptKeys: 0 };
  const provider = await KmsV2Provider.open(plugin.socket, { ...asksEachTime, ...options });
  open.push(provider);
  return provider;
}

const context = "context";
const newDataKey = (): Uint8Array => new Uint8Array(32).fill(7);
const binding: Binding = { storeId: "store", uid: "uid", name: "NAME", version: 1, isText: true };
const payload = Buffer.from("payload");

describe("a key management plug-in", () => {
  it("wraps a data key, and unwraps it with what it answered", async () => {
    const provider = await openProvider();
    const wrapped = await provider.wrap(newDataKey(), context);
    expect(wrapped.keyId).toBe(plugin.keyId);
    expect(provider.currentKeyId()).toBe(plugin.keyId);
    expect(Buffer.from(wrapped.bytes).includes(Buffer.from(newDataKey()))).toBe(false);
    const other = await openProvider();
    expect(new Uint8Array(await other.unwrap(wrapped, context))).toEqual(newDataKey());
  });

  it("carries a cipher: seals, opens, and wraps anew after a rotation", async () => {
    const provider = await openProvider();
    const cipher = new PayloadCipher(provider);
    const sealed = await cipher.seal(binding, payload);
    const rotated = plugin.rotate();
    await provider.checkHealth();
    expect(await cipher.currentKeyId()).toBe(rotated);
    const rewrapped = { ...sealed, ...(await cipher.rewrap(binding, sealed)) };
    expect(rewrapped.keyId).toBe(rotated);
    plugin.keys.delete(sealed.keyId);
    expect(Buffer.from(await cipher.open(binding, rewrapped))).toEqual(payload);
    await expect(async () => await cipher.open(binding, sealed)).rejects.toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
      message: `the encryption key "${sealed.keyId}" is not configured`,
    });
  });

  it("tells of a rotation that its state shows", async () => {
    const provider = await openProvider({ statusIntervalMs: 10 });
    const rotated = new Promise<string>((resolve) => provider.onRotation(resolve));
    const keyId = plugin.rotate();
    expect(await rotated).toBe(keyId);
    expect(provider.currentKeyId()).toBe(keyId);
  });

  it("tells of a rotation that an answer shows first, and once", async () => {
    const provider = await openProvider();
    const rotations: string[] = [];
    provider.onRotation((keyId) => rotations.push(keyId));
    const keyId = plugin.rotate();
    expect((await provider.wrap(newDataKey(), context)).keyId).toBe(keyId);
    await provider.wrap(newDataKey(), context);
    await provider.checkHealth();
    expect(rotations).toEqual([keyId]);
  });

  it("does not tell whoever has stopped listening", async () => {
    const provider = await openProvider();
    const rotations: string[] = [];
    provider.onRotation((keyId) => rotations.push(keyId))();
    plugin.rotate();
    await provider.checkHealth();
    expect(rotations).toEqual([]);
  });
});

describe("a wrapping key", () => {
  const keeping: KmsOptions = { maxUses: 3, maxKeptKeys: 2 };

  it("serves so many data keys as it may, for all who wait for it", async () => {
    const provider = await openProvider(keeping);
    plugin.asked.length = 0;
    const wraps = await Promise.all(Array.from({ length: 3 }, () => provider.wrap(newDataKey(), context)));
    for (let count = 0; count < 3; count += 1) wraps.push(await provider.wrap(newDataKey(), context));
    expect(plugin.asked).toEqual(["encrypt", "encrypt"]);
    const other = await openProvider(keeping);
    plugin.asked.length = 0;
    for (const wrapped of wraps) expect(new Uint8Array(await other.unwrap(wrapped, context))).toEqual(newDataKey());
    expect(plugin.asked).toEqual(["decrypt", "decrypt"]);
  });

  it("is not used any more once the plug-in has another key", async () => {
    const provider = await openProvider(keeping);
    await provider.wrap(newDataKey(), context);
    const keyId = plugin.rotate();
    await provider.checkHealth();
    expect((await provider.wrap(newDataKey(), context)).keyId).toBe(keyId);
  });

  it("that was decrypted is kept, and the one used longest ago forgotten", async () => {
    const provider = await openProvider({ maxUses: 1, maxKeptKeys: 2 });
    const [first, second, third] = [
      await provider.wrap(newDataKey(), context),
      await provider.wrap(newDataKey(), context),
      await provider.wrap(newDataKey(), context),
    ];
    const other = await openProvider({ maxKeptKeys: 2 });
    plugin.asked.length = 0;
    for (const wrapped of [first, second, first, third, first]) await other.unwrap(wrapped, context);
    expect(plugin.asked).toHaveLength(3);
    await other.unwrap(second, context);
    expect(plugin.asked).toHaveLength(4);
  });

  it("that did not open what it should is not kept", async () => {
    const provider = await openProvider(keeping);
    const wrapped = await (await openProvider()).wrap(newDataKey(), context);
    const right = plugin.keys.get(plugin.keyId) ?? Buffer.alloc(0);
    plugin.keys.set(plugin.keyId, Buffer.alloc(32, 9));
    await expect(provider.unwrap(wrapped, context)).rejects.toMatchObject({ reason: "PAYLOAD_CORRUPT" });
    plugin.keys.set(plugin.keyId, right);
    expect(new Uint8Array(await provider.unwrap(wrapped, context))).toEqual(newDataKey());
  });
});

describe("what a plug-in wrapped", () => {
  it("is refused without asking the plug-in when it changed places, or a bit of it changed", async () => {
    const provider = await openProvider();
    const wrapped = await provider.wrap(newDataKey(), context);
    const other = await provider.wrap(newDataKey(), "other");
    const keyId = plugin.rotate();
    plugin.asked.length = 0;
    const corrupt = { reason: "PAYLOAD_CORRUPT" };
    await expect(provider.unwrap(wrapped, "other")).rejects.toMatchObject(corrupt);
    await expect(provider.unwrap(other, context)).rejects.toMatchObject(corrupt);
    await expect(provider.unwrap({ ...wrapped, keyId }, context)).rejects.toMatchObject(corrupt);
    for (let bit = 0; bit < wrapped.bytes.length * 8; bit += 1) {
      const bytes = Uint8Array.from(wrapped.bytes);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await expect(provider.unwrap({ ...wrapped, bytes }, context)).rejects.toMatchObject(corrupt);
    }
    for (let length = 0; length < wrapped.bytes.length; length += 1) {
      const bytes = wrapped.bytes.subarray(0, length);
      await expect(provider.unwrap({ ...wrapped, bytes }, context)).rejects.toMatchObject(corrupt);
    }
    expect(plugin.asked).toEqual([]);
  });

  it.each([
    [status.INVALID_ARGUMENT, "PAYLOAD_CORRUPT"],
    [status.DATA_LOSS, "PAYLOAD_CORRUPT"],
    [status.NOT_FOUND, "MANAGER_UNAVAILABLE"],
    [status.UNKNOWN, "MANAGER_UNAVAILABLE"],
    [status.PERMISSION_DENIED, "MANAGER_UNAVAILABLE"],
    [status.INTERNAL, "MANAGER_UNAVAILABLE"],
  ])("that is refused with status %i is %s, without the plug-in's words", async (code, reason) => {
    const provider = await openProvider();
    const wrapped = await provider.wrap(newDataKey(), context);
    plugin.failures.push(code);
    const failure: unknown = await provider.unwrap(wrapped, context).catch((error: unknown) => error);
    expect(failure).toMatchObject({ reason, message: expect.not.stringContaining("canary") as string });
    expect(new Uint8Array(await provider.unwrap(wrapped, context))).toEqual(newDataKey());
  });

  it("is refused when another key has come under the same id", async () => {
    const provider = await openProvider();
    const wrapped = await provider.wrap(newDataKey(), context);
    plugin.keys.set(plugin.keyId, Buffer.alloc(32, 9));
    await expect(provider.unwrap(wrapped, context)).rejects.toMatchObject({ reason: "PAYLOAD_CORRUPT" });
  });
});

describe("a plug-in that fails", () => {
  it("is asked once more when nobody is there, and no more than that", async () => {
    const provider = await openProvider();
    plugin.failures.push(status.UNAVAILABLE);
    await provider.wrap(newDataKey(), context);
    plugin.asked.length = 0;
    plugin.failures.push(status.UNAVAILABLE, status.UNAVAILABLE, status.UNAVAILABLE);
    await expect(provider.wrap(newDataKey(), context)).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(plugin.asked).toEqual(["encrypt", "encrypt"]);
  });

  it("is not asked again for another failure", async () => {
    const provider = await openProvider();
    plugin.asked.length = 0;
    plugin.failures.push(status.INTERNAL);
    await expect(provider.wrap(newDataKey(), context)).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(plugin.asked).toEqual(["encrypt"]);
  });

  it("works again after a restart, with what it wrapped before", async () => {
    const provider = await openProvider();
    const wrapped = await provider.wrap(newDataKey(), context);
    plugin.stop();
    await plugin.start();
    expect(new Uint8Array(await provider.unwrap(wrapped, context))).toEqual(newDataKey());
  });

  it("is unavailable while it is away, also at the start", async () => {
    const provider = await openProvider();
    plugin.stop();
    const message = expect.stringContaining(plugin.socket) as string;
    await expect(provider.checkHealth()).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE", message });
    await expect(openProvider()).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE", message });
  });

  it("is not waited for without end", async () => {
    const provider = await openProvider();
    plugin.hangs = true;
    await expect(provider.wrap(newDataKey(), context)).rejects.toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
      message: expect.stringContaining("did not answer within 3 seconds") as string,
    });
  });

  it("is unavailable when it says that it does not work, without its words", async () => {
    const provider = await openProvider();
    plugin.state = { version: "v2", healthz: "canary" };
    const failure: unknown = await provider.checkHealth().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
      message: expect.not.stringContaining("canary") as string,
    });
    await expect(openProvider()).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
  });

  it.each(["v1", "v3", ""])("is refused when it speaks version %j", async (version) => {
    plugin.state = { version, healthz: "ok" };
    await expect(openProvider()).rejects.toMatchObject({ reason: "CONFIG_INVALID" });
  });

  it.each(["", "a\nb", "k".repeat(1_025)])("is refused when it answers with the key id %j", async (keyId) => {
    const provider = await openProvider();
    plugin.encrypted = (answer) => ({ ...answer, keyId });
    await expect(provider.wrap(newDataKey(), context)).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    plugin.keyId = keyId;
    await expect(provider.checkHealth()).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
  });

  it("is refused when it answers with nothing", async () => {
    const provider = await openProvider();
    plugin.encrypted = (answer) => ({ ...answer, ciphertext: Buffer.alloc(0) });
    await expect(provider.wrap(newDataKey(), context)).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
  });
});
