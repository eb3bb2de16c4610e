/** What one client asked for and was told. Times count events: of two different ones, the smaller was first. */
export interface Operation<Input, Output> {
  readonly input: Input;
  /** Undefined when nobody knows whether it was done: it may have been, at any time since it was asked for, or never. */
  readonly output: Output | undefined;
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** What operations do when one comes after the other. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State;
  /** The state afterwards; undefined when the operation cannot have this output here. */
  readonly step: (state: State, input: Input, output: Output | undefined) => State | undefined;
  /** Tells states apart. */
  readonly keyOf: (state: State) => string;
}

/**
 * Looks for an order in which the operations could have been done one after the other, each between its question and its
 * answer, as Wing and Gong do it: try whatever may come first, and go back; with Lowe's addition that nothing is tried
 * twice. Gives what was left at the point where most had found a place, or undefined when there is such an order.
 */
export function findViolation<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  model: SequentialModel<State, Input, Output>,
): readonly Operation<Input, Output>[] | undefined {
  const operations = [...history].sort((a, b) => a.askedAt - b.askedAt);
  const bits = new Map(operations.map((operation, index) => [operation, 1n << BigInt(index)]));
  const tried = new Set<string>();
  let fewestLeft = operations;
  const canGoOn = (left: readonly Operation<Input, Output>[], state: State, done: bigint): boolean => {
    if (left.every(({ output }) => output === undefined)) return true;
    const point = `${done.toString(36)} ${model.keyOf(state)}`;
    if (tried.has(point)) return false;
    tried.add(point);
    if (left.length < fewestLeft.length) fewestLeft = [...left];
    const firstAnswerAt = Math.min(...left.map(endOf));
    for (const operation of left) {
      // Somebody was answered before this was asked for, and so must come before.
      if (operation.askedAt > firstAnswerAt) return false;
      const next = model.step(state, operation.input, operation.output);
      if (next === undefined) continue;
      const others = left.filter((other) => other !== operation);
      if (canGoOn(others, next, done | (bits.get(operation) ?? 0n))) return true;
    }
    return false;
  };
  return canGoOn(operations, model.initial, 0n) ? undefined : fewestLeft;
}

function endOf({ output, answeredAt }: Operation<unknown, unknown>): number {
  return output === undefined ? Infinity : answeredAt;
}
