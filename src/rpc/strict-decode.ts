import { isUtf8 } from "node:buffer";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { SecretError } from "../domain/secret-error.js";

/** Stands for a message that could not be read; the handler answers it with `FIELD_INVALID`. */
export const malformedMessage: unique symbol = Symbol("malformed message");

/** What a message that could not be read is answered with. */
export function malformed(): SecretError {
  const description = "must be a whole protobuf message of the RPC's request type with strings in UTF-8";
  return SecretError.fieldInvalid([{ field: "message", description }]);
}

/** Reads one message type from a reader; the generated code has one for each. */
interface Decoder<T> {
  decode(reader: BinaryReader): T;
}

/**
 * Reads a message, refusing strings that are not UTF-8, which the generated code would silently repair.
 *
 * Never throws: grpc-js answers a throwing deserialiser by itself, without our details.
 */
export function strictDecode<T>(decoder: Decoder<T>, bytes: Uint8Array): T | typeof malformedMessage {
  try {
    return decoder.decode(new BinaryReader(bytes, decodeUtf8));
  } catch {
    return malformedMessage;
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new TypeError("a string field is not UTF-8");
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
