import { format, resolveConfig } from "prettier";

/** One line of a plot. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

const [width, height] = [760, 440];
const frame = { left: 60, right: 500, top: 50, bottom: 390 };
const colours = ["#1b6ca8", "#b8442f", "#2e7d46", "#7a4fa3", "#9a6b00", "#555555"];

/** Draws lines over each other, both axes in powers of ten, as an SVG. Every value is positive. */
export async function plotLines(title: string, axis: string, lines: readonly Line[]): Promise<string> {
  const points = lines.flatMap((line) => line.points);
  const [lowX, highX] = decadesOf(points.map(([x]) => x));
  const [lowY, highY] = decadesOf(points.map(([, y]) => y));
  const x = (value: number): number => place(value, [lowX, highX], [frame.left, frame.right]);
  const y = (value: number): number => place(value, [lowY, highY], [frame.bottom, frame.top]);
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" font-family="sans-serif" font-size="12">`,
    `<rect width="${String(width)}" height="${String(height)}" fill="white"/>`,
    `<text x="${String(frame.left)}" y="28" font-size="16">${title}</text>`,
    ...decades(lowX, highX).map((value) => tick([x(value), frame.bottom], [x(value), frame.top], value)),
    ...decades(lowY, highY).map((value) => tick([frame.left, y(value)], [frame.right, y(value)], value)),
    `<text x="${String((frame.left + frame.right) / 2)}" y="${String(frame.bottom + 38)}" text-anchor="middle">${axis}</text>`,
    ...lines.flatMap((line, index) => drawn(line, index, { x, y })),
    "</svg>",
  ].join("\n");
  return await format(svg, { ...(await resolveConfig(import.meta.filename)), parser: "html" });
}

interface Scales {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

function drawn({ name, points }: Line, index: number, { x, y }: Scales): readonly string[] {
  const colour = colours[index % colours.length] ?? "black";
  const path = points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ");
  const dots = points.map(
    ([a, b]) => `<circle cx="${x(a).toFixed(1)}" cy="${y(b).toFixed(1)}" r="3" fill="${colour}"/>`,
  );
  const [last] = points.slice(-1);
  const legendY = frame.top + 16 + index * 40;
  const value = last === undefined ? "" : `${last[1].toFixed(last[1] < 100 ? 1 : 0)} at ${label(last[0])}`;
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...dots,
    `<line x1="${String(frame.right + 16)}" y1="${String(legendY - 4)}" x2="${String(frame.right + 36)}" y2="${String(legendY - 4)}" stroke="${colour}" stroke-width="2"/>`,
    `<text x="${String(frame.right + 42)}" y="${String(legendY)}">${name}</text>`,
    `<text x="${String(frame.right + 42)}" y="${String(legendY + 15)}" fill="#666">${value}</text>`,
  ];
}

function tick([x1, y1]: readonly [number, number], [x2, y2]: readonly [number, number], value: number): string {
  const isBelow = x1 === x2;
  const at = isBelow
    ? `x="${x1.toFixed(1)}" y="${String(y1 + 18)}" text-anchor="middle"`
    : `x="${String(x1 - 8)}" y="${(y1 + 4).toFixed(1)}" text-anchor="end"`;
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#ddd"/><text ${at}>${label(value)}</text>`;
}

function decadesOf(values: readonly number[]): readonly [number, number] {
  return [10 ** Math.floor(Math.log10(Math.min(...values))), 10 ** Math.ceil(Math.log10(Math.max(...values)))];
}

function decades(low: number, high: number): number[] {
  const count = Math.round(Math.log10(high / low));
  return Array.from({ length: count + 1 }, (_, index) => low * 10 ** index);
}

function place(value: number, [low, high]: readonly [number, number], [from, to]: readonly [number, number]): number {
  return from + ((Math.log10(value) - Math.log10(low)) / (Math.log10(high) - Math.log10(low))) * (to - from);
}

function label(value: number): string {
  return value.toLocaleString("en-US");
}
