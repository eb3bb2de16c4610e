import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { get as getPlain } from "node:http";
import { get } from "node:https";
import { SecretError } from "../domain/secret-error.js";

/** What is fetched, and how its server is proven. */
export interface JsonRequest {
  readonly url: string;
  /** PEM; undefined for the certificates Node.js trusts. */
  readonly ca: string | undefined;
  readonly bearerToken: string | undefined;
  /** Ends the request, body and all. */
  readonly signal: AbortSignal;
}

/** Key sets and discovery documents are a few kilobytes. */
const maxBodyBytes = 512 * 1024;

const maxHeaderBytes = 16 * 1024;

/**
 * Fetches a JSON document, once: no redirect is followed, nothing is kept open, and no more is read than a key set can
 * be long.
 * @throws SecretError `IDENTITY_UNAVAILABLE` with what went wrong in our words; the cause is for the log
 */
export async function fetchJson(request: JsonRequest): Promise<unknown> {
  const body = await bodyOf(request);
  try {
    return JSON.parse(body);
  } catch {
    // Its message quotes the text.
    throw fetchFailure("the server answered with something that is not JSON");
  }
}

/** Why keys could not be fetched. */
export function fetchFailure(message: string, cause?: unknown): SecretError {
  return new SecretError("IDENTITY_UNAVAILABLE", message, { cause });
}

async function bodyOf(request: JsonRequest): Promise<string> {
  try {
    const response = await send(request);
    try {
      refuseUnless200(response);
      return await readText(response);
    } finally {
      response.destroy();
    }
  } catch (error) {
    if (error instanceof SecretError) throw error;
    throw fetchFailure(request.signal.aborted ? "the server did not answer in time" : reasonOf(error), error);
  }
}

function send({ url, ca, bearerToken, signal }: JsonRequest): Promise<IncomingMessage> {
  const headers = {
    accept: "application/json, application/jwk-set+json",
    "accept-encoding": "identity",
    ...(bearerToken !== undefined && { authorization: `Bearer ${bearerToken}` }),
  };
  const options = { headers, signal, agent: false, maxHeaderSize: maxHeaderBytes } as const;
  return new Promise((resolve, reject) => {
    const sent = url.startsWith("https:")
      ? get(url, { ...options, ...(ca !== undefined && { ca }), minVersion: "TLSv1.2" }, resolve)
      : getPlain(url, options, resolve);
    sent.on("error", reject);
  });
}

function refuseUnless200({ statusCode = 0, headers }: IncomingMessage): void {
  if (statusCode >= 300 && statusCode < 400) {
    throw fetchFailure("the server answered with a redirect, which is not followed; configure the URL itself");
  }
  if (statusCode !== 200) throw fetchFailure(`the server answered with status ${String(statusCode)}`);
  if (headers["content-encoding"] !== undefined)
    throw fetchFailure("the server answered with an encoding nobody asked for");
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) break;
    length += chunk.byteLength;
    if (length > maxBodyBytes) throw fetchFailure("the server answered with more than 512 KiB");
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (!response.complete) throw fetchFailure("the server broke its answer off");
  if (!isUtf8(body)) throw fetchFailure("the server answered with something that is not UTF-8");
  return body.toString("utf8");
}

/** Node.js's own codes, such as ECONNREFUSED or CERT_HAS_EXPIRED. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return `the server cannot be reached${/^[A-Z0-9_]{1,64}$/u.test(code) ? ` (${code})` : ""}`;
}
