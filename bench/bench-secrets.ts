/** A secret of the benches. */
export interface BenchSecret {
  readonly name: string;
  readonly value: string;
}

/** So many secrets with values as long as a provider's key. */
export function benchSecrets(count: number): readonly BenchSecret[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `team-${String(index % 10)}/PROVIDER_API_KEY_${String(index)}`,
    value: `placeholder-${String(index).padStart(36, "0")}`,
  }));
}
