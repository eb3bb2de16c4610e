import type { EventEmitter } from "node:events";
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Connection } from "../identity/connection.js";
import type { ServedService } from "./services.js";

/** The connection a call came over, by what grpc-js gives as its peer; undefined once it is closed. */
export type ConnectionOf = (peer: string) => Connection | undefined;

/** A call of any kind, as grpc-js hands it to its handler. */
interface AnyCall extends EventEmitter {
  getPeer(): string;
}

type AnyHandler = (call: AnyCall, ...rest: readonly unknown[]) => void;

/**
 * The same service, whose calls tell their connection that it is in use; unary ones of services whose callers are
 * identified do that when they are, as looking up a connection costs half a microsecond.
 */
export function countUses(
  { definition, implementation, isIdentified }: ServedService,
  connectionOf: ConnectionOf,
): UntypedServiceImplementation {
  const counted = { ...implementation };
  for (const [key, { requestStream, responseStream }] of Object.entries(definition)) {
    const isStream = requestStream || responseStream;
    if (!isStream && isIdentified) continue;
    const handle = implementation[key] as AnyHandler;
    counted[key] = (call: AnyCall, ...rest: readonly unknown[]): void => {
      const connection = connectionOf(call.getPeer());
      if (isStream && connection !== undefined) holdUntilOver(call, connection);
      else connection?.use();
      handle(call, ...rest);
    };
  }
  return counted;
}

function holdUntilOver(call: AnyCall, connection: Connection): void {
  let isOpen = true;
  const end = (): void => {
    if (isOpen) connection.release();
    isOpen = false;
  };
  connection.hold();
  // Whichever comes first: a stream that its caller gives up may never be finished, and the other way round.
  call.on("close", end);
  call.on("cancelled", end);
  call.on("finish", end);
}
