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
