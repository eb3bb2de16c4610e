import { randomBytes, randomUUID } from "node:crypto";

/** Values that occur nowhere else, to be stored as secrets and then looked for. */
export interface Canaries {
  /** A text that changes when it is put into JSON, a URL or quotes. */
  readonly text: string;
  /** A JSON object, one of whose members is as unique as the whole. */
  readonly json: string;
  /** Bytes that are not UTF-8. */
  readonly bytes: Uint8Array;
}

/** A canary that was found where it must not be. Says which and how, never the value. */
export interface Leak {
  readonly canary: string;
  /** How it was written: `plain`, `base64`, `hex`, … */
  readonly form: string;
}

/** Makes values that are unique to this call. */
export function plantCanaries(): Canaries {
  return {
    text: `canary "${randomUUID()}" \\ / + \u00e9\n${randomUUID()}`,
    json: JSON.stringify({ password: `canary-${randomUUID()}`, port: 5432 }),
    bytes: Uint8Array.of(0xff, 0x00, ...randomBytes(30)),
  };
}

/**
 * Finds canaries in a text such as a log, an error or a page of metrics, plainly or encoded.
 *
 * Looks for each value as it is, escaped for JSON once and twice, for URLs, as base64 and base64url at any offset, as
 * hexadecimal digits, as a list of numbers, and for the unique part alone. Spaces and line ends within do not hide it.
 * @param canaries name → value; at least 8 bytes each, as shorter ones are found by chance.
 */
export function findLeaks(text: string, canaries: Readonly<Record<string, string | Uint8Array>> | Canaries): Leak[] {
  const squeezed = text.replaceAll(/\s/g, "");
  const haystacks = {
    caseless: text.toLowerCase(),
    digits: squeezed.toLowerCase(),
    base64: squeezed.replaceAll("-", "+").replaceAll("_", "/"),
  };
  return Object.entries(canaries).flatMap(([canary, value]: [string, string | Uint8Array]) => {
    if (Buffer.from(value).length < 8) throw new TypeError("a canary must be at least 8 bytes long");
    const found = needles(value).filter(({ needle, within }) => haystacks[within].includes(needle));
    return [...new Set(found.map(({ form }) => form))].map((form) => ({ canary, form }));
  });
}

interface Needle {
  readonly form: string;
  readonly needle: string;
  readonly within: "caseless" | "digits" | "base64";
}

function needles(value: string | Uint8Array): readonly Needle[] {
  const bytes = Buffer.from(value);
  const encoded: Needle[] = [
    ...base64Needles(bytes),
    { form: "hex", needle: bytes.toString("hex"), within: "digits" },
    { form: "numbers", needle: [...bytes].join(","), within: "digits" },
  ];
  return typeof value === "string" ? [...textNeedles(value), ...encoded] : encoded;
}

function textNeedles(value: string): readonly Needle[] {
  const escaped = JSON.stringify(value).slice(1, -1);
  const texts: readonly (readonly [string, string])[] = [
    ["plain", value],
    ["json", escaped],
    ["json in json", JSON.stringify(escaped).slice(1, -1)],
    [
      "ascii json",
      escaped.replaceAll(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`),
    ],
    ["url", encodeURIComponent(value)],
    ["form", new URLSearchParams([["", value]]).toString().slice(1)],
    ...(value.match(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) ?? []).map((part) => ["part", part] as const),
  ];
  return texts.map(([form, needle]) => ({ form, needle: needle.toLowerCase(), within: "caseless" }));
}

/** The base64 digits that are the same whatever stands before and after the bytes, for each offset. */
function base64Needles(bytes: Buffer): readonly Needle[] {
  return [0, 1, 2].map((offset) => {
    const digits = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .replaceAll("=", "");
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor(((offset + bytes.length) * 8) / 6);
    return { form: "base64", needle: digits.slice(first, last), within: "base64" };
  });
}
