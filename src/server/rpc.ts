import type { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Call } from "../broker/call.js";

/** Reads one message type; the generated code has one for each. */
export interface MessageType<T> {
  decode(reader: BinaryReader): T;
}

/** One unary RPC: how its request is read, what answers it, and how the answer is written. */
export interface UnaryRpc<Request, Response> {
  readonly request: MessageType<Request>;
  /** Wire → domain → broker → wire, and nothing else; may throw what it could reject with. */
  readonly handle: (call: Call, request: Request) => Promise<Response>;
}

/** One bidirectional RPC. */
export interface StreamRpc<Request, Response> {
  readonly request: MessageType<Request>;
  /** Serves until it rejects with the status to end with. */
  readonly handle: (call: Call, stream: CallStream<Request, Response>) => Promise<never>;
}

/** The messages of a bidirectional call. */
export interface CallStream<Request, Response> {
  /**
   * Takes those of the caller, until it closes its side: the next one when what the one before asked for is done.
   * @param fail told why no more are taken
   */
  listen(take: (request: Request) => Promise<void>, fail: (thrown: unknown) => void): void;
  /** Waits until the rates have room for one more message of the caller. @throws SecretError `CALL_CANCELLED` */
  awaitTurn(): Promise<void>;
  /** Sends one; resolves when the next can be sent. @throws SecretError `CALL_CANCELLED`, `MANAGER_TIMEOUT` */
  send(response: Response): Promise<void>;
}
