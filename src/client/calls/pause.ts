/**
 * Waits; resolves to false when it was cut short.
 * @param signals what cuts it short
 * @param keepsProcessAlive whether the process waits for it
 */
export function pause(
  delayMs: number,
  signals: readonly (AbortSignal | undefined)[],
  keepsProcessAlive = true,
): Promise<boolean> {
  if (signals.some((signal) => signal?.aborted === true)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (isWhole: boolean): void => {
      clearTimeout(timer);
      for (const signal of signals) signal?.removeEventListener("abort", cut);
      resolve(isWhole);
    };
    const cut = (): void => {
      end(false);
    };
    const timer = setTimeout(end, delayMs, true);
    if (!keepsProcessAlive) timer.unref();
    for (const signal of signals) signal?.addEventListener("abort", cut, { once: true });
  });
}
