import { type Document, isAlias, isMap, isNode, isScalar, type Node, visit, type YAMLMap } from "yaml";
import { shownKey } from "./setting-path.js";

/** Something wrong at a place in a text. */
export interface Fault {
  /** In UTF-16 code units from the start. */
  readonly offset: number;
  readonly message: string;
}

/** What is wrong with how a document's parts refer to each other. */
export interface StructureFaults {
  readonly duplicates: readonly Fault[];
  readonly badAliases: readonly Fault[];
}

/** Finds keys that stand twice, and aliases that lead nowhere or to what they stand in. */
export function structureFaults(document: Document): StructureFaults {
  const duplicates: Fault[] = [];
  const badAliases: Fault[] = [];
  // Anchor → the last node that had it: what an alias that follows refers to.
  const anchored = new Map<string, Node>();
  visit(document, (_key, node, ancestors) => {
    if (isAlias(node)) {
      const message = aliasFault(anchored.get(node.source), ancestors);
      if (message !== undefined) badAliases.push({ offset: offsetOf(node), message });
    } else if (isNode(node)) {
      if (node.anchor !== undefined) anchored.set(node.anchor, node);
      if (isMap(node)) duplicates.push(...duplicateKeys(node));
    }
  });
  return { duplicates, badAliases };
}

function aliasFault(target: Node | undefined, ancestors: readonly unknown[]): string | undefined {
  if (target === undefined) return "an alias names an anchor that does not stand before it; write the value out";
  return ancestors.includes(target) ? "an alias stands within what it repeats; write the value out" : undefined;
}

function duplicateKeys(map: YAMLMap): Fault[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const name = String(key.value);
    if (seen.has(name)) {
      return [
        { offset: offsetOf(key), message: `the key ${shownKey(name)} stands twice in the same mapping; keep one` },
      ];
    }
    seen.add(name);
    return [];
  });
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
