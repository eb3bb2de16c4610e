import { readFile } from "node:fs/promises";
import { isUtf8 } from "node:buffer";
import { resolve } from "node:path";
import { ActionError } from "../action-error.js";
import type { ReferenceValues } from "../read-references.js";
import type { SecretReference } from "../secret-reference.js";
import { UsageError } from "../usage-error.js";
import { parseTemplate } from "./parse-template.js";
import { renderTemplate } from "./render-template.js";
import { referencesOf, type Template, TemplateError } from "./template.js";
import { type OutputRights, writeOutput, type WriteOutcome } from "./write-output.js";

/** A template and the file it is rendered to. */
interface Pair {
  readonly template: Template;
  readonly out: string;
}

/** What became of one file. */
export interface RenderedFile {
  readonly file: string;
  readonly outcome: WriteOutcome;
}

/** The largest template, in bytes. */
const maxTemplateBytes = 1024 * 1024;

/** Templates and the files they are rendered to. */
export class Rendering {
  readonly #pairs: readonly Pair[];
  readonly #rights: OutputRights;

  private constructor(pairs: readonly Pair[], rights: OutputRights) {
    this.#pairs = pairs;
    this.#rights = rights;
  }

  /**
   * Reads all templates.
   * @throws UsageError for files that do not go together; TemplateError with every problem of every template
   */
  static async open(templates: readonly string[], outs: readonly string[], rights: OutputRights): Promise<Rendering> {
    assertPairs(templates, outs);
    const parsed = await Promise.all(templates.map(async (file) => parseTemplate(await readTemplate(file), file)));
    const problems = parsed.flatMap((each) => each.problems);
    if (problems.length > 0) throw new TemplateError(problems);
    const pairs = parsed.map(({ template }, index) => ({ template, out: outs[index] ?? "" }));
    return new Rendering(pairs, rights);
  }

  /** The secrets of all templates. */
  get references(): SecretReference[] {
    return this.#pairs.flatMap(({ template }) => referencesOf(template));
  }

  /**
   * Renders everything, then writes what has changed.
   * @param note told of each file when it is done
   * @throws TemplateError for values that do not fit, before anything is written; ActionError for files that cannot be
   */
  async write(values: ReferenceValues, note: (file: RenderedFile) => void): Promise<void> {
    const contents = this.#contents(values);
    const failures: ActionError[] = [];
    for (const [index, { out }] of this.#pairs.entries()) {
      try {
        note({ file: out, outcome: await writeOutput(out, contents[index] ?? Buffer.of(), this.#rights) });
      } catch (error) {
        if (!(error instanceof ActionError)) throw error;
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new ActionError(failures.map(({ message }) => message).join("; "));
  }

  #contents(values: ReferenceValues): Buffer[] {
    const problems: TemplateError["problems"][number][] = [];
    const contents = this.#pairs.flatMap(({ template }) => {
      try {
        return [renderTemplate(template, values)];
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
        problems.push(...error.problems);
        return [];
      }
    });
    if (problems.length > 0) throw new TemplateError(problems);
    return contents;
  }
}

function assertPairs(templates: readonly string[], outs: readonly string[]): void {
  if (templates.length !== outs.length) {
    throw new UsageError(
      `each --template needs its --out: there are ${String(templates.length)} and ${String(outs.length)}`,
    );
  }
  const paths = [...outs, ...new Set(templates.map((file) => resolve(file)))].map((file) => resolve(file));
  const twice = paths.findIndex((path, index) => paths.indexOf(path) !== index);
  if (twice < 0) return;
  throw new UsageError(`${paths[twice] ?? ""} would be written twice, or over a template`);
}

async function readTemplate(file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new UsageError(`the template ${file} cannot be read (${code})`);
  });
  if (bytes.length > maxTemplateBytes) throw new UsageError(`the template ${file} is longer than 1 MiB`);
  if (!isUtf8(bytes)) throw new UsageError(`the template ${file} is not UTF-8`);
  return bytes.toString("utf8");
}
