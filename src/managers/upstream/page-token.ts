/** What a token begins with that is shown by its text, and one that stays as it is. */
const byText = "t";
const asIs = "=";

/**
 * A central broker's page token as this one's manager gives it. A broker encodes what its manager gave it, and this one
 * will once more: each time it grows by a third, and a token's length is bounded. Shown by its text it is short again.
 */
export function shortToken(token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const text = Buffer.from(token, "base64url").toString("utf8");
  return encoded(text) === token ? `${byText}${text}` : `${asIs}${token}`;
}

/** The central broker's own token. */
export function longToken(token: string | undefined): string | undefined {
  if (token === undefined || token === "") return undefined;
  const rest = token.slice(1);
  return token.startsWith(byText) ? encoded(rest) : rest;
}

function encoded(text: string): string {
  return Buffer.from(text, "utf8").toString("base64url");
}
