import { SecretError } from "../../domain/secret-error.js";

/** One method of a service, as the generated service definitions describe it. */
export interface WireMethod<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** How an RPC's question and answer look to callers of the client. */
export interface RpcCodec<Ask, Request, Response, Answer> {
  readonly encode: (ask: Ask) => Request;
  readonly decode: (response: Response, ask: Ask) => Answer;
  /** Whether doing it twice is as good as once, and so whether it may be tried again. */
  readonly isRepeatable: (ask: Ask) => boolean;
}

/** One RPC with a question and an answer. */
export interface Rpc<Ask, Answer> {
  readonly path: string;
  /** @throws SecretError `FIELD_INVALID` for what the wire cannot carry */
  readonly encode: (ask: Ask) => Buffer;
  /** @throws SecretError `MANAGER_REPLY_INVALID` */
  readonly decode: (bytes: Buffer, ask: Ask) => Answer;
  readonly isRepeatable: (ask: Ask) => boolean;
  /** Whether it changes nothing, and so may be asked twice at once. */
  readonly isRead: boolean;
}

/** An RPC of what is known of its messages. */
export function defineRpc<Ask, Request, Response, Answer>(
  method: WireMethod<Request, Response>,
  { encode, decode, isRepeatable }: RpcCodec<Ask, Request, Response, Answer>,
): Rpc<Ask, Answer> {
  return {
    path: method.path,
    isRepeatable,
    isRead: isRepeatable === always,
    encode: (ask) => method.requestSerialize(encode(ask)),
    decode: (bytes, ask) => decode(readMessage(method, bytes), ask),
  };
}

/** For what changes nothing. */
export function always(): boolean {
  return true;
}

/** For what changes something each time. */
export function never(): boolean {
  return false;
}

/** For what the broker does once only, however often it is asked with the same id. */
export function withIdempotencyId({ idempotencyId = "" }: { readonly idempotencyId?: string | undefined }): boolean {
  return idempotencyId !== "";
}

function readMessage<Response>(method: WireMethod<never, Response>, bytes: Buffer): Response {
  try {
    return method.responseDeserialize(bytes);
  } catch (cause) {
    throw new SecretError("MANAGER_REPLY_INVALID", "the broker answered with what is no message", { cause });
  }
}
