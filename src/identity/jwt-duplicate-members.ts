const jsonToken = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gu;

/**
 * Whether an object of a JSON text, however deep, has two members of one name, which readers take differently.
 * @param json a text that JSON.parse takes
 */
export function hasDuplicateMembers(json: string): boolean {
  // The names of each object that is open; undefined for a list.
  const open: (Set<string> | undefined)[] = [];
  let text = "";
  for (const [token] of json.matchAll(jsonToken)) {
    if (token === "{" || token === "[") open.push(token === "{" ? new Set() : undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (token !== ":") text = token;
    else if (!isNew(String(JSON.parse(text)), open.at(-1))) return true;
  }
  return false;
}

function isNew(name: string, names: Set<string> | undefined): boolean {
  if (names?.has(name) === true) return false;
  names?.add(name);
  return true;
}
