import type { Metadata, MetadataValue } from "@grpc/grpc-js";
import { Call, type CallerPresence } from "../broker/call.js";
import type { Caller } from "../domain/caller.js";
import type { SecretError } from "../domain/secret-error.js";
import type { Credentials } from "../identity/caller-identity.js";
import { toSecretError } from "../rpc/encode-status.js";
import type { Refuses } from "./late-requests.js";

/** The metadata key that names a call. */
export const requestIdKey = "x-request-id";

/** The metadata key by which a client shows that it means to call a broker. */
export const guardKey = "x-secret-broker-request";

/** What a gRPC call says about itself, whatever its kind. */
export interface WireCall extends CallerPresence {
  readonly metadata: Metadata;
  getPeer(): string;
  getDeadline(): Date | number;
}

/**
 * Tells who makes a call: at once wherever that can be.
 * @throws SecretError `CREDENTIAL_MISSING`, `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`, `IDENTITY_UNAVAILABLE`,
 * `RATE_LIMITED`, as the promise may reject
 */
export type Identify = (credentials: CallCredentials) => Caller | Promise<Caller>;

/** What a call brings, of itself and of its caller. */
export interface CallCredentials extends Credentials {
  /** What it carries under `x-secret-broker-request`. */
  readonly guard: string | undefined;
}

/** A call, and why it must not go on when its credentials are not good. */
export interface OpenedCall {
  readonly call: Call;
  /** The call once it is known who makes it; undefined where that is known. */
  readonly pending: Promise<Call> | undefined;
  readonly refusal: SecretError | undefined;
  /** How many bytes its metadata takes, names and values. */
  readonly metadataBytes: number;
}

/** What a call is opened with. */
export interface OpenCallOptions {
  /** For calls that carry no deadline, in milliseconds. */
  readonly defaultDeadlineMs: () => number;
}

/** The most that is kept back of a caller's time, so that our answer arrives before its own timer goes off. */
const maxAnswerMarginMs = 20;

const startMark = Math.floor(Date.now() / 1_000).toString(36);
let calls = 0;

/** Makes a broker's call out of a gRPC call. */
export function openCall(wire: WireCall, identify: Identify, options: OpenCallOptions): OpenedCall {
  // All of it at once: looking up one key costs as much.
  const first = wire.metadata.getMap();
  const peer = wire.getPeer();
  let caller: Caller | Promise<Caller>;
  let refusal: SecretError | undefined;
  try {
    caller = identify(credentialsOf(first, peer));
  } catch (error) {
    caller = strangerAt(peer);
    refusal = toSecretError(error);
  }
  const deadlineMs = deadlineOf(wire.getDeadline(), options.defaultDeadlineMs());
  const requestId = requestIdOf(first[requestIdKey]);
  const metadataBytes = metadataByteLength(wire.metadata, first);
  const traceparent = first[traceparentKey]?.toString();
  if (!(caller instanceof Promise)) {
    const call = new Call({ caller, requestId, deadlineMs, traceparent }, wire);
    return { call, pending: undefined, refusal, metadataBytes };
  }
  const pending = caller.then((known) => new Call({ caller: known, requestId, deadlineMs, traceparent }, wire));
  const call = new Call({ caller: strangerAt(peer), requestId, deadlineMs, traceparent }, wire);
  return { call, pending, refusal, metadataBytes };
}

/** Whether whoever makes a call is nobody; as {@link openCall} would find. */
export function refusesBy(identify: Identify): Refuses {
  return (metadata, peer) => {
    try {
      const caller = identify(credentialsOf(metadata.getMap(), peer));
      return caller instanceof Promise ? caller.then(isKnown, isNobody) : false;
    } catch {
      return true;
    }
  };
}

function isKnown(): boolean {
  return false;
}

function isNobody(): boolean {
  return true;
}

/** What a call says of its caller. @param first the first value of each key of its metadata */
function credentialsOf(first: Readonly<Record<string, MetadataValue>>, peer: string): CallCredentials {
  return {
    peer,
    authorization: first[authorizationKey]?.toString(),
    forwardedCertificate: first[forwardedCertificateKey]?.toString(),
    guard: first[guardKey]?.toString(),
  };
}

/** Who has not proven to be anybody. @param id of the connection: where it comes from, and after a `#` its number */
function strangerAt(id: string): Caller {
  const [peer = ""] = id.split("#", 1);
  return { principal: "", groups: [], provenBy: "none", peer };
}

const authorizationKey = "authorization";

/** What a manager may go on with a trace by (W3C Trace Context). */
const traceparentKey = "traceparent";

/** How a proxy tells whose certificate it has seen. */
const forwardedCertificateKey = "x-forwarded-client-cert";

/** The caller's own id if it is short and printable, else one that is unique to this process. */
function requestIdOf(given: MetadataValue | undefined): string {
  if (typeof given === "string" && /^[\x21-\x7e]{1,128}$/.test(given)) return given;
  calls += 1;
  return `${startMark}-${calls.toString(36)}`;
}

function deadlineOf(deadline: Date | number, defaultDeadlineMs: number): number {
  const now = Date.now();
  const deadlineMs = typeof deadline === "number" ? deadline : deadline.getTime();
  if (!Number.isFinite(deadlineMs)) return now + defaultDeadlineMs;
  return deadlineMs - Math.min(maxAnswerMarginMs, (deadlineMs - now) / 10);
}

/** How many bytes metadata takes, names and values. @param first the first value of each key */
function metadataByteLength(metadata: Metadata, first: Readonly<Record<string, MetadataValue>>): number {
  let bytes = 0;
  for (const key in first) {
    const value = first[key];
    // Repeated headers arrive as one, joined, but for binary ones and this one.
    if (typeof value === "string" && key !== "set-cookie") bytes += key.length + value.length;
    else for (const each of metadata.get(key)) bytes += key.length + each.length;
  }
  return bytes;
}
