/** One line of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples of one metric. */
export interface Family {
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(,|$)/y;

/**
 * Reads Prometheus' text format 0.0.4 and refuses what the format does not allow: a sample outside its family, HELP or
 * TYPE more than once or missing, a broken label, a number that is none, the same series twice.
 */
export function readExposition(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const reading: Reading = { families: new Map(), series: new Set(), current: "" };
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment === null) addSample(reading, line);
    else addComment(reading, line, comment);
  }
  return reading.families;
}

interface Reading {
  readonly families: Map<string, { help: string; type: string; samples: Sample[] }>;
  readonly series: Set<string>;
  current: string;
}

function addComment(reading: Reading, line: string, [, kind, name = "", rest = ""]: RegExpExecArray): void {
  if (!metricName.test(name)) throw new Error(`bad name: ${line}`);
  const family = reading.families.get(name);
  if (kind === "HELP") {
    if (family !== undefined) throw new Error(`HELP twice: ${line}`);
    reading.families.set(name, { help: rest, type: "", samples: [] });
    reading.current = name;
    return;
  }
  if (family?.type !== "" || reading.current !== name) throw new Error(`stray TYPE: ${line}`);
  family.type = rest;
}

function addSample({ families, series, current }: Reading, line: string): void {
  const sample = readSample(line);
  const family = families.get(current);
  if (family === undefined || family.type === "") throw new Error(`sample without HELP and TYPE: ${line}`);
  const suffixes = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  if (!suffixes.some((suffix) => sample.name === current + suffix)) throw new Error(`stray sample: ${line}`);
  const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`;
  if (series.has(key)) throw new Error(`series twice: ${line}`);
  series.add(key);
  family.samples.push(sample);
}

function readSample(line: string): Sample {
  const match = sampleLine.exec(line);
  if (match === null) throw new Error(`not a sample: ${line}`);
  const [, name = "", labels = "", number = ""] = match;
  const value = number === "+Inf" ? Infinity : Number(number);
  if (Number.isNaN(value) && number !== "NaN") throw new Error(`not a number: ${line}`);
  return { name, labels: readLabels(labels), value };
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  labelPair.lastIndex = 0;
  while (labelPair.lastIndex < text.length) {
    const match = labelPair.exec(text);
    if (match === null) throw new Error(`broken labels: ${text}`);
    const [, name = "", value = ""] = match;
    if (name in labels) throw new Error(`label twice: ${text}`);
    labels[name] = value.replaceAll(/\\(.)/g, (_all, escaped: string) => (escaped === "n" ? "\n" : escaped));
  }
  return labels;
}
