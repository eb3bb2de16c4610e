import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReferenceValues } from "../../../src/cli/read-references.js";
import { parseTemplate } from "../../../src/cli/render/parse-template.js";
import { renderTemplate } from "../../../src/cli/render/render-template.js";
import { referencesOf, TemplateError } from "../../../src/cli/render/template.js";
import { referenceKey } from "../../../src/cli/secret-reference.js";
import type { Payload } from "../../../src/domain/payload.js";

/** Renders with one value for every secret there is. */
function rendered(source: string, payload: Payload = "v"): string {
  const { template, problems } = parseTemplate(source, "t");
  expect(problems).toEqual([]);
  const values = new Map(referencesOf(template).map((reference) => [referenceKey(reference), payload]));
  return renderTemplate(template, new ReferenceValues(values)).toString("utf8");
}

function problemsOf(source: string): string[] {
  return parseTemplate(source, "t").problems.map(
    ({ line, column, message }) => `${String(line)}:${String(column)} ${message}`,
  );
}

describe("a template", () => {
  it.each([
    ["", ""],
    ["no secret { here } }} {", "no secret { here } }} {"],
    ['a={{ secret "A" }}\r\n', "a=v\r\n"],
    ['{{secret"A"}}{{ secret "A" }}', "vv"],
    ['{{\n  secret "A"\n  field="f"\n  | json\n}}', '"v"'],
    ['{{ "{{" }} stays {{ "\\"}}\\\\" }}', '{{ stays "}}\\'],
    ['{{ secret "A" | base64 | shell }}', "'dg=='"],
  ])("%j becomes %j", (source, text) => {
    expect(rendered(source)).toBe(text);
  });

  it.each(["A", "path/to/key", "odd#name", '}} | "quoted"', "$(touch x)", "ключ 🔑", "a\\b", "../"])(
    "takes any name: %s",
    (name) => {
      const quoted = name.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
      const { template, problems } = parseTemplate(`{{ secret "${quoted}" field="${quoted}" }}`, "t");
      if (name === "../") expect(problems[0]?.message).toContain('must not begin or end with "/"');
      else expect(referencesOf(template)).toEqual([{ name, field: name }]);
    },
  );

  it("has every problem told with its place, at once", () => {
    const source = [
      'ok {{ secret "A" }}',
      "{{ secret A }}",
      '  {{ secret "A" field=f }} {{ env "HOME" }}',
      '{{ secret "A" | upper }}',
      '{{ secret "A" | }}',
      '{{ secret "" }}',
      '{{ secret "../x" }}',
      '{{ secret "a\\n" }}',
      '{{- secret "A" }}',
      '{{ secret "A',
      '{{ secret "A" "B" }}',
      "{{}}",
      'last {{ secret "A" ',
    ].join("\n");
    expect(problemsOf(source)).toEqual([
      '2:11 a secret\'s name in quotes is missing; write {{ secret "NAME" }} or {{ secret "NAME" field="member" }}, then | and a filter',
      '3:23 a field is written field="member"',
      '3:31 write {{ secret "NAME" }} or {{ secret "NAME" field="member" }}, then | and a filter',
      "4:17 after | comes a filter: json, base64, shell",
      "5:17 after | comes a filter: json, base64, shell",
      "6:11 the secret's name must not be empty",
      '7:11 the secret\'s name must not contain the path segment ".."',
      String.raw`8:11 only \" and \\ may follow a \ in a text`,
      '9:3 unexpected character; write {{ secret "NAME" }}',
      '10:11 the text is not closed; end it with " in the same line',
      '11:15 write {{ secret "NAME" }} or {{ secret "NAME" field="member" }}, then | and a filter',
      '12:3 write {{ secret "NAME" }} or {{ secret "NAME" field="member" }}, then | and a filter',
      "13:20 the expression is not closed; end it with }}",
    ]);
  });

  it("never takes a value for a part of itself", () => {
    const hostile = '{{ secret "OTHER" }} $& $1 {{ "x" }}';
    expect(rendered('a {{ secret "A" }} b', hostile)).toBe(`a ${hostile} b`);
  });

  it("is read to its end, whatever it is", () => {
    const pieces = fc.constantFrom("{{", "}}", '"', "secret", ' "A" ', "|", "json", "\\", "\n", "field=", "x", "é");
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (all) => {
        const source = all.join("");
        const { template, problems } = parseTemplate(source, "t");
        if (!source.includes("{{"))
          expect(template.parts.map((part) => "text" in part && part.text).join("")).toBe(source);
        for (const { line, column } of problems) expect(Math.min(line, column)).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a filter", () => {
  it("keeps every byte without one, and in base64", () => {
    const bytes = Uint8Array.of(0, 255, 10, 13, 128);
    const { template } = parseTemplate('<{{ secret "A" }}>', "t");
    const values = new ReferenceValues(new Map([[referenceKey({ name: "A", field: undefined }), bytes]]));
    expect(renderTemplate(template, values)).toEqual(Buffer.from([0x3c, ...bytes, 0x3e]));
    expect(rendered('{{ secret "A" | base64 }}', bytes)).toBe(Buffer.from(bytes).toString("base64"));
  });

  it("makes JSON that is read as the value, and a word for the shell", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (value) => {
        expect(JSON.parse(rendered('{{ secret "A" | json }}', value))).toBe(value);
        const quoted = rendered('{{ secret "A" | shell }}', value.replaceAll("\0", ""));
        expect(quoted.replaceAll("'\\''", "'").slice(1, -1)).toBe(value.replaceAll("\0", ""));
      }),
    );
  });

  it.each([
    ["json", Uint8Array.of(255)],
    ["shell", Uint8Array.of(255)],
    ["shell", "a\0b"],
  ])("%s refuses what it cannot hold, with its place and without the value", (filter, payload) => {
    const { template } = parseTemplate(`\n {{ secret "A" | ${filter} }}`, "t");
    const values = new ReferenceValues(new Map([[referenceKey({ name: "A", field: undefined }), payload]]));
    let thrown: unknown;
    try {
      renderTemplate(template, values);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TemplateError);
    expect((thrown as TemplateError).problems).toMatchObject([{ file: "t", line: 2, column: 2 }]);
  });
});
