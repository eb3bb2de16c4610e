import { isInSegment } from "./segment-pattern.js";

/** One segment of the patterns that begin alike. */
interface Node<T> {
  /** Of patterns that end here. */
  readonly values: T[];
  // segment as it is written → what follows
  readonly exact: Map<string, Node<T>>;
  // the text before the first "*" of a segment → the segments that begin with it, and what follows each
  readonly partial: Map<string, Map<string, Node<T>>>;
  /** What follows "**". */
  anyDepth: Node<T> | undefined;
}

const anySegments = "**";
const separator = "/";

/**
 * Values by patterns of names, found without looking at the patterns one by one: exact patterns by one look-up, the
 * others segment by segment.
 */
export class PatternIndex<T> {
  // pattern without "*" → its values
  readonly #exact = new Map<string, T[]>();
  readonly #root: Node<T> = createNode();

  /** Adds a value under a pattern. */
  add(pattern: string, value: T): void {
    if (!pattern.includes("*")) {
      const values = this.#exact.get(pattern);
      if (values === undefined) this.#exact.set(pattern, [value]);
      else values.push(value);
      return;
    }
    let node = this.#root;
    for (const segment of pattern.split(separator)) node = childOf(node, segment);
    node.values.push(value);
  }

  /** Calls back with every value whose pattern matches; some may come twice. */
  match(name: string, found: (value: T) => void): void {
    for (const value of this.#exact.get(name) ?? []) found(value);
    // Which place in the name was reached at which node: `**` could reach one in many ways.
    visit(this.#root, { segments: name.split(separator), found, seen: new Map() }, 0);
  }
}

interface Visit<T> {
  readonly segments: readonly string[];
  readonly found: (value: T) => void;
  readonly seen: Map<Node<T>, Set<number>>;
}

function visit<T>(node: Node<T>, walk: Visit<T>, at: number): void {
  const { segments, found } = walk;
  const segment = segments[at];
  if (segment === undefined) {
    for (const value of node.values) found(value);
    return;
  }
  const exact = node.exact.get(segment);
  if (exact !== undefined) visit(exact, walk, at + 1);
  visitPartial(node, walk, at);
  if (node.anyDepth !== undefined) visitAnyDepth(node.anyDepth, walk, at);
}

function visitPartial<T>(node: Node<T>, walk: Visit<T>, at: number): void {
  if (node.partial.size === 0) return;
  const segment = walk.segments[at] ?? "";
  for (let length = 0; length <= segment.length; length += 1) {
    for (const [pattern, next] of node.partial.get(segment.slice(0, length)) ?? []) {
      if (isInSegment(segment, pattern)) visit(next, walk, at + 1);
    }
  }
}

/** Any number of segments, but at the end of a pattern at least one. */
function visitAnyDepth<T>(node: Node<T>, walk: Visit<T>, at: number): void {
  for (const value of node.values) walk.found(value);
  let seen = walk.seen.get(node);
  if (seen === undefined) walk.seen.set(node, (seen = new Set()));
  for (let next = at; next < walk.segments.length; next += 1) {
    if (seen.has(next)) continue;
    seen.add(next);
    visit(node, walk, next);
  }
}

function childOf<T>(node: Node<T>, segment: string): Node<T> {
  if (segment === anySegments) return (node.anyDepth ??= createNode());
  const star = segment.indexOf("*");
  if (star < 0) return ensure(node.exact, segment, () => createNode<T>());
  const siblings = ensure(node.partial, segment.slice(0, star), () => new Map<string, Node<T>>());
  return ensure(siblings, segment, () => createNode<T>());
}

function ensure<V>(map: Map<string, V>, key: string, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = create()));
  return value;
}

function createNode<T>(): Node<T> {
  return { values: [], exact: new Map(), partial: new Map(), anyDepth: undefined };
}
