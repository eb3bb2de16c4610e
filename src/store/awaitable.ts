import type { Awaitable } from "../contract/secret-manager.js";

/** What came of several values, in their order. */
type Settled<T extends readonly unknown[]> = { readonly [K in keyof T]: Awaited<T[K]> };

/** Whether a value is still to come. */
export function isPending<T>(value: Awaitable<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** Goes on at once where there is no promise: a file's statements are done when they return, and a turn costs more. */
export function andThen<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return isPending(value) ? value.then(next) : next(value);
}

/** The same for several values, of which the promises are waited for together. */
export function andThenAll<const T extends readonly unknown[], R>(
  values: T,
  next: (values: Settled<T>) => Awaitable<R>,
): Awaitable<R> {
  if (values.some(isPending)) return Promise.all(values).then((all) => next(all as unknown as Settled<T>));
  return next(values as Settled<T>);
}
