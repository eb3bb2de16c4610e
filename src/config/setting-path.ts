/** A path into a document: keys and indexes. */
export type SettingPath = readonly (string | number)[];

/** What settings are spelt with. Anything else that stands as a key may be a secret that lost its colon. */
const plainKey = /^[A-Za-z_-]{1,40}$/;

/** A path as people write it: `secret_broker.listen[1]`. A key that is no plain word is shown as `<key>`. */
export function settingName(path: SettingPath): string {
  return path
    .map((part, index) =>
      typeof part === "number" ? `[${String(part)}]` : `${index === 0 ? "" : "."}${shownKey(part)}`,
    )
    .join("");
}

/** A key of the file when it is a plain word, and otherwise `<key>`: its position says which one is meant. */
export function shownKey(key: string): string {
  return plainKey.test(key) ? key : "<key>";
}
