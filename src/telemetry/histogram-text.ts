import { type LatencyHistogram, latencyBoundsSeconds } from "./latency-histogram.js";

/** One histogram with the labels that tell it from the others of its name. */
export interface HistogramSeries {
  /** Label names must be valid; values may be anything. */
  readonly labels: Readonly<Record<string, string>>;
  readonly histogram: LatencyHistogram;
}

/**
 * Writes latency histograms in Prometheus' text format, version 0.0.4, ending in a newline.
 *
 * The library's own histogram can only be fed observation by observation, which the hot path must not pay for.
 * @param help one sentence; must hold no backslash and no newline
 */
export function formatHistograms(name: string, help: string, series: readonly HistogramSeries[]): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const { labels, histogram } of series) lines.push(...formatSeries(name, formatLabels(labels), histogram));
  return `${lines.join("\n")}\n`;
}

function formatSeries(name: string, labels: string, histogram: LatencyHistogram): string[] {
  const bucket = (bound: string, count: number): string =>
    `${name}_bucket{${[...(labels === "" ? [] : [labels]), `le="${bound}"`].join(",")}} ${String(count)}`;
  const braced = labels === "" ? "" : `{${labels}}`;
  const counts = histogram.cumulativeCounts();
  return [
    ...latencyBoundsSeconds.map((bound, index) => bucket(String(bound), counts[index] ?? 0)),
    bucket("+Inf", histogram.count),
    `${name}_sum${braced} ${String(histogram.sumSeconds)}`,
    `${name}_count${braced} ${String(histogram.count)}`,
  ];
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabelValue(value)}"`)
    .join(",");
}

function escapeLabelValue(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
