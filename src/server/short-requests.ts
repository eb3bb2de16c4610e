import { type ServiceDefinition, status } from "@grpc/grpc-js";

/** Stands for a request that is longer than its service takes; nothing of it is kept. */
export const tooLong: unique symbol = Symbol("a request that is too long");

/**
 * The same service, whose requests are read only up to a length. What grpc-js keeps of a stream's request lives as long
 * as the stream, and these are services that whoever can connect may ask.
 * @param maxBytes the most bytes of a request; a longer one is handed over as {@link tooLong}
 */
export function withShortRequests(definition: ServiceDefinition, maxBytes: number): ServiceDefinition {
  const bounded = Object.entries(definition).map(([key, method]) => {
    const requestDeserialize = (bytes: Buffer): unknown =>
      bytes.length > maxBytes ? tooLong : method.requestDeserialize(bytes);
    return [key, { ...method, requestDeserialize }] as const;
  });
  return Object.fromEntries(bounded);
}

/** What a request that is too long is answered with. @param advice how to ask instead */
export function refusalOfLong(maxBytes: number, advice: string): { readonly code: status; readonly details: string } {
  return { code: status.INVALID_ARGUMENT, details: `message must be at most ${String(maxBytes)} bytes: ${advice}` };
}
