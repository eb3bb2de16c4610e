import { type Client, type ServiceError, status } from "@grpc/grpc-js";
import { SecretError } from "../domain/secret-error.js";
import { fromFailedCall } from "../rpc/decode-status.js";
import { statusDetailsKey } from "../rpc/encode-status.js";
import { invalidReply } from "./decode-secret.js";
import { callMetadata, type CallOptions, checkTimeoutMs } from "./call-options.js";

/** One method of a service, as the generated service definitions describe it. */
export interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** One call to make. */
export interface UnaryAsk<Request, Response> {
  readonly client: Client;
  readonly method: UnaryMethod<Request, Response>;
  readonly request: Request;
}

/** What every call of a client shares. */
export interface CallDefaults {
  /** The broker's address, for messages. */
  readonly address: string;
  readonly timeoutMs: number;
  /** The bearer token to send, asked for on each call. */
  readonly token: () => string | undefined;
}

/**
 * Makes one call with its deadline and cancellation.
 * @throws SecretError the broker's own failure, or what kept the call from it
 */
export async function unaryCall<Request, Response>(
  { client, method, request }: UnaryAsk<Request, Response>,
  defaults: CallDefaults,
  options: CallOptions,
): Promise<Response> {
  const timeoutMs = checkTimeoutMs(options.timeoutMs ?? defaults.timeoutMs);
  const metadata = callMetadata(options.requestId, defaults.token());
  const { signal } = options;
  if (signal?.aborted) throw cancelled();
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = method;
    const grpcOptions = { deadline: Date.now() + timeoutMs };
    const finish = (error: ServiceError | null, response?: Response): void => {
      signal?.removeEventListener("abort", cancel);
      if (error === null && response !== undefined) resolve(response);
      else reject(error === null ? invalidReply("nothing") : toFailure(error, { ...defaults, timeoutMs }));
    };
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      grpcOptions,
      finish,
    );
    const cancel = (): void => {
      call.cancel();
    };
    signal?.addEventListener("abort", cancel, { once: true });
  });
}

function toFailure(error: ServiceError, { address, timeoutMs }: Omit<CallDefaults, "token">): SecretError {
  // A status with our details is the broker's word; one without was made on the way.
  if (error.metadata.get(statusDetailsKey).length > 0) return fromFailedCall(error);
  switch (error.code) {
    case status.UNAVAILABLE:
      return unreachable(address, error);
    case status.DEADLINE_EXCEEDED:
      return tooSlow(address, timeoutMs, error);
    case status.CANCELLED:
      return cancelled(error);
    default:
      return fromFailedCall(error);
  }
}

function unreachable(address: string, cause: ServiceError): SecretError {
  const message = `the broker at "${address}" could not be reached; "secret-broker serve" starts one`;
  return new SecretError("MANAGER_UNAVAILABLE", message, { cause, metadata: { address } });
}

function tooSlow(address: string, timeoutMs: number, cause: ServiceError): SecretError {
  const message = `the broker at "${address}" did not answer within ${String(timeoutMs)} ms`;
  return new SecretError("MANAGER_TIMEOUT", message, { cause, metadata: { address } });
}

function cancelled(cause?: ServiceError): SecretError {
  return new SecretError("CALL_CANCELLED", "the call was cancelled", { cause });
}
