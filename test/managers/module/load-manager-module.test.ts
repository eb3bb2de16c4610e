import { beforeAll, describe, expect, it } from "vitest";
import { loadInChild, type ChildOutcome, type LoadCase, type LoadOutcome } from "./load-in-child.js";

const es = 'export class Mine { readSecret(name) { return "es " + name; } }';
const typed = 'export class Mine { readSecret(name: string): string { return "typed " + name; } }';

interface Good extends LoadCase {
  readonly value: string;
  readonly notes?: readonly string[];
}

const good: Readonly<Record<string, Good>> = {
  "a .ts file": { files: { "my_secret_manager.ts": typed }, value: "typed NAME" },
  "a .mts file": { files: { "my_secret_manager.mts": typed }, value: "typed NAME" },
  "a .js file": { files: { "my_secret_manager.js": es }, value: "es NAME" },
  "a .mjs file": { files: { "my_secret_manager.mjs": es }, value: "es NAME" },
  "CommonJS that assigns an object": {
    files: { "my_secret_manager.js": 'class Mine { readSecret() { return "cjs"; } }\nmodule.exports = { Mine };' },
    value: "cjs",
  },
  "CommonJS that assigns the class": {
    files: { "my_secret_manager.js": 'module.exports = class Mine { readSecret() { return "cjs class"; } };' },
    value: "cjs class",
  },
  "CommonJS whose names Node cannot tell": {
    files: {
      "my_secret_manager.js": 'module.exports = Object.assign({}, { Mine: class { readSecret() { return "x"; } } });',
    },
    value: "x",
  },
  "a default export of the name": {
    files: { "my_secret_manager.mjs": `export default ${es.slice(7)}` },
    value: "es NAME",
  },
  "the same class exported by name and as default": {
    files: { "my_secret_manager.mjs": `${es}\nexport default Mine;` },
    value: "es NAME",
  },
  "a class that extends ours, in a folder without node_modules": {
    files: {
      "my_secret_manager.ts": `import { CustomSecretManager, type ManagerCall } from "secret-broker/contract";
        export class Mine extends CustomSecretManager {
          readSecret(_name: string, _call: ManagerCall): string { return this.managerName; }
        }`,
    },
    value: "Mine",
  },
  "a class that extends ours, though another copy is installed": {
    files: {
      "node_modules/secret-broker/package.json": '{"exports": {"./contract": "./contract.js"}}',
      "node_modules/secret-broker/contract.js": "throw new Error('another copy');",
      "my_secret_manager.mjs": `import { CustomSecretManager } from "secret-broker/contract";
        export class Mine extends CustomSecretManager { readSecret() { return "ours"; } }`,
    },
    value: "ours",
  },
  "types before the first export, and a file of the user's own": {
    files: {
      "my_secret_manager.ts": `interface Shape { readonly text: string }
        type Alias = Shape;
        import { text } from "./lib/text.ts";
        export class Mine { readonly #shape: Alias = { text }; readSecret(): string { return this.#shape.text; } }`,
      "lib/text.ts": "export const text: string = 'from the library';",
    },
    value: "from the library",
  },
  "the first of several files, with a note": {
    files: { "my_secret_manager.mjs": es, "my_secret_manager.js": es, "my_secret_manager.ts": typed },
    value: "typed NAME",
    notes: ['"my_secret_manager.ts" is used, not "my_secret_manager.js", "my_secret_manager.mjs" beside it'],
  },
  "members under the reference's names, with a note": {
    files: { "my_secret_manager.mjs": `${es.slice(0, -1)} async_write_secret() {} }` },
    value: "es NAME",
    notes: [
      '"Mine" in "my_secret_manager.mjs" has a member "async_write_secret", which is called "writeSecret" here and is not used',
    ],
  },
};

interface Bad extends LoadCase {
  readonly message: string;
  readonly cause?: string;
}

const inFile = (content: string): LoadCase => ({ files: { "my_secret_manager.mjs": content } });
const inTypedFile = (content: string): LoadCase => ({ files: { "my_secret_manager.ts": content } });
const shape = 'write <file>.<class>, as in "my_secret_manager.InMemorySecretManager"';
const tried =
  'tried "my_secret_manager.ts", "my_secret_manager.mts", "my_secret_manager.js", "my_secret_manager.mjs", "my_secret_manager.py"';
const notAManager = '"Mine" in "my_secret_manager.mjs" is not a secret manager: ';

const bad: Readonly<Record<string, Bad>> = {
  "one segment": {
    ...inFile(es),
    classPath: "Mine",
    message: `custom_secret_manager "Mine" has one segment, not two: ${shape}`,
  },
  "three segments": {
    ...inFile(es),
    classPath: "my.module.Mine",
    message: `custom_secret_manager "my.module.Mine" has 3 segments, not two: ${shape}`,
  },
  "an empty segment": {
    ...inFile(es),
    classPath: "my_secret_manager.",
    message: `custom_secret_manager "my_secret_manager." has an empty segment: ${shape}`,
  },
  "a folder": {
    ...inFile(es),
    classPath: "sub/my_secret_manager.Mine",
    message: `custom_secret_manager "sub/my_secret_manager.Mine" must not contain a folder: ${shape}`,
  },
  "no file": { files: { "other.txt": "" }, message: `no file for the secret manager in "DIR": ${tried}` },
  "a misspelt file": {
    files: { "my_secrets_manager.ts": typed },
    message: `no file for the secret manager in "DIR": ${tried}; did you mean "my_secrets_manager"?`,
  },
  "a Python file": {
    files: { "my_secret_manager.py": "" },
    message: '"my_secret_manager.py" is in Python, which needs a process of its own',
  },
  "JavaScript that does not parse": {
    ...inFile("export class Mine {"),
    message: '"my_secret_manager.mjs" does not parse, or something it imports does not',
    cause: "SyntaxError: Unexpected end of input",
  },
  "TypeScript that does not parse": {
    ...inTypedFile("export class Mine {\n  readSecret(: string"),
    message: '"my_secret_manager.ts" does not parse, or something it imports does not (line 2)',
    cause: "SyntaxError",
  },
  "TypeScript that has to be compiled": {
    ...inTypedFile("export class Mine {\n  constructor(private readonly x: string) {}\n}"),
    message:
      '"my_secret_manager.ts" uses TypeScript that has to be compiled, not just stripped of its types (enum, namespace, parameter properties, import =) (line 2)',
    cause: "parameter property",
  },
  "a package that is not there": {
    ...inFile(`import "@acme/vault";\n${es}`),
    message: '"my_secret_manager.mjs" imports "@acme/vault", which is not there',
    cause: "@acme/vault",
  },
  "an import that is not exported": {
    ...inFile(`import { reedFile } from "node:fs";\n${es}`),
    message: '"my_secret_manager.mjs" imports "reedFile" from "node:fs", which does not export it',
    cause: "reedFile",
  },
  "an error at import": {
    ...inFile("throw new RangeError('quotes s3cret');"),
    message: '"my_secret_manager.mjs" threw RangeError while it was imported',
    cause: "RangeError: quotes s3cret",
  },
  "a syntax error of data at import": {
    ...inFile("JSON.parse('s3cret');"),
    message: '"my_secret_manager.mjs" threw SyntaxError while it was imported',
    cause: "s3cret",
  },
  "a string thrown at import": {
    ...inFile("throw 's3cret';"),
    message: '"my_secret_manager.mjs" threw a string while it was imported',
    cause: "s3cret",
  },
  "no class at all": {
    ...inFile("export const a = 1;"),
    message: '"my_secret_manager.mjs" exports no class "Mine", nor any other',
  },
  "another class": {
    ...inFile("export class Mime {}\nexport class Else {}\nexport const mine = 1;"),
    message: '"my_secret_manager.mjs" exports no class "Mine" but "Else", "Mime"; did you mean "Mime"?',
  },
  "a name that every object has": {
    ...inFile(es),
    classPath: "my_secret_manager.toString",
    message: '"my_secret_manager.mjs" exports no class "toString" but "Mine"',
  },
  "an export that is an instance": {
    ...inFile("export const Mine = { readSecret() {} };"),
    message: '"Mine" in "my_secret_manager.mjs" is not a class but an object',
  },
  "an export that is an arrow function": {
    ...inFile("export const Mine = () => ({ readSecret() {} });"),
    message: '"Mine" in "my_secret_manager.mjs" is not a class but a function that cannot be constructed',
  },
  "two classes of the name": {
    ...inFile(`${es}\nexport default (() => class Mine { readSecret() {} })();`),
    message: '"my_secret_manager.mjs" exports two different classes called "Mine", one of them as the default export',
  },
  "a duplicate export": {
    ...inFile(`${es}\nexport { Mine };`),
    message: '"my_secret_manager.mjs" exports or declares "Mine" twice',
    cause: "Duplicate export",
  },
  "a duplicate class": {
    ...inTypedFile(`${typed}\n${typed}`),
    message: '"my_secret_manager.ts" exports or declares "Mine" twice',
    cause: "already been declared",
  },
  "a constructor that throws": {
    ...inFile("export class Mine { constructor() { throw new TypeError('quotes s3cret'); } }"),
    message: 'the constructor of "Mine" in "my_secret_manager.mjs" threw TypeError',
    cause: "TypeError: quotes s3cret",
  },
  "a constructor that throws an error with a telling name": {
    ...inFile("export class Mine { constructor() { throw Object.assign(new Error('x'), { name: 's3cret value' }); } }"),
    message: 'the constructor of "Mine" in "my_secret_manager.mjs" threw an error',
    cause: "s3cret value",
  },
  "a constructor that needs arguments": {
    ...inFile("export class Mine { constructor(url) { this.url = url.trim(); } }"),
    message: 'the constructor of "Mine" in "my_secret_manager.mjs" threw TypeError; it must do without arguments',
    cause: "TypeError",
  },
  "a class without members": { ...inFile("export class Mine {}"), message: `${notAManager}"readSecret" is missing` },
  "an abstract class": {
    ...inTypedFile("export abstract class Mine { abstract readSecret(): string; }"),
    message: '"Mine" in "my_secret_manager.ts" is not a secret manager: "readSecret" is missing',
  },
  "the reference's names": {
    ...inFile("export class Mine { async async_read_secret() {} }"),
    message: `${notAManager}"readSecret" is missing ("async_read_secret" must be called "readSecret")`,
  },
  "a misspelt member": {
    ...inFile("export class Mine { readSecrets() {} }"),
    message: `${notAManager}"readSecret" is missing ("readSecrets" must be called "readSecret")`,
  },
  "members of the wrong type": {
    ...inFile("export class Mine { readSecret() {} writeSecret = 'yes'; close = null; supports = () => ({}); }"),
    message: `${notAManager}"supports" must be an object, not a function; "writeSecret" must be a function, not a string; "close" must be a function, not null`,
  },
};

describe("loadManagerModule", () => {
  let child: ChildOutcome;
  const labels = [...Object.keys(good), ...Object.keys(bad)];

  beforeAll(() => {
    child = loadInChild([...Object.values(good), ...Object.values(bad)]);
  });

  function outcomeOf(label: string): LoadOutcome {
    const outcome = child.outcomes[labels.indexOf(label)];
    if (outcome === undefined) throw new Error("there is no such case");
    return outcome;
  }

  it.each(Object.entries(good))("loads %s", (label, { value, notes = [] }) => {
    const outcome = outcomeOf(label);
    expect(outcome.message).toBeUndefined();
    expect(outcome.value).toBe(value);
    expect(outcome.notes).toEqual(notes);
  });

  it.each(Object.entries(bad))("refuses %s and says what to do", (label, { message, cause }) => {
    const outcome = outcomeOf(label);
    expect(outcome.message?.replace(outcome.directory, "DIR")).toBe(message);
    expect(outcome.reason).toBe("CONFIG_INVALID");
    expect(outcome.message).not.toContain("s3cret");
    if (cause === undefined) expect(outcome.cause).toBeUndefined();
    else expect(outcome.cause).toContain(cause);
  });

  it("has Node warn of nothing", () => {
    expect(child.stderr).toBe("");
  });
});
