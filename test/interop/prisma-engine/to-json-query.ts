import type { DataModel } from "./data-model.ts";
import type { GraphqlArgument, GraphqlDocument, GraphqlField, GraphqlValue } from "./graphql-document.ts";

/** A query of Prisma's JSON protocol, the only one that its WebAssembly engine knows. */
export interface JsonQuery {
  readonly modelName?: string;
  readonly action: string;
  readonly query: JsonFieldQuery;
}

interface JsonFieldQuery {
  readonly arguments: JsonObject;
  readonly selection: JsonObject;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** What names mean where a value stands: fields of a model, parts of a document, or nothing. */
type Scope = { readonly model: string } | "document" | "plain";

const verbs =
  "findUnique|findFirst|findMany|createOne|createMany|updateOne|updateMany|upsertOne|deleteOne|deleteMany|aggregate|groupBy";
const operation = new RegExp(`^(?<verb>${verbs})(?<model>\\w+?)(?<orThrow>OrThrow)?$`, "u");

/** What a filter of documents has besides documents. */
const notDocuments: readonly string[] = ["path", "mode", "string_contains", "string_starts_with", "string_ends_with"];

/** Turns GraphQL queries of one operation, as the Python client sends them, into the JSON protocol. */
export class QueryTranslator {
  readonly #models: DataModel;

  constructor(models: DataModel) {
    this.#models = models;
  }

  translate({ definitions }: GraphqlDocument): JsonQuery {
    const [field, ...others] = definitions.flatMap(({ selectionSet }) => selectionSet.selections);
    if (field === undefined || others.length > 0) throw new Error("a query is of exactly one operation");
    const name = field.name.value;
    if (name === "queryRaw" || name === "executeRaw") return { action: name, query: this.#fieldQuery(field, "plain") };
    const { verb, model, orThrow = "" } = operation.exec(name)?.groups ?? {};
    if (verb === undefined || model === undefined) throw new Error(`the operation ${name} is not known`);
    return { modelName: model, action: `${verb}${orThrow}`, query: this.#fieldQuery(field, { model }) };
  }

  #fieldQuery(field: GraphqlField, scope: Scope): JsonFieldQuery {
    const selected = field.selectionSet?.selections ?? [];
    return {
      arguments: this.#object(field.arguments ?? [], scope),
      selection: Object.fromEntries(selected.map((part) => [part.name.value, this.#selected(part, scope)])),
    };
  }

  #selected(field: GraphqlField, scope: Scope): unknown {
    const isPlain = field.selectionSet === undefined && (field.arguments ?? []).length === 0;
    return isPlain ? true : this.#fieldQuery(field, this.#scopeOf(field.name.value, scope));
  }

  #object(fields: readonly GraphqlArgument[], scope: Scope): JsonObject {
    return Object.fromEntries(
      fields.map(({ name, value }) => [name.value, this.#value(value, this.#scopeOf(name.value, scope))]),
    );
  }

  #scopeOf(name: string, scope: Scope): Scope {
    if (scope === "plain" || name === "orderBy") return "plain";
    if (scope === "document") return notDocuments.includes(name) ? "plain" : scope;
    const type = this.#models.get(scope.model)?.get(name);
    // Neither a field nor a relation: a word of the query language, as where or connect, within the same model.
    if (type === undefined) return scope;
    if (type === "Json") return "document";
    return this.#models.has(type) ? { model: type } : "plain";
  }

  #value(value: GraphqlValue, scope: Scope): unknown {
    switch (value.kind) {
      case "NullValue":
        return null;
      case "ListValue":
        return value.values.map((item) => this.#value(item, scope));
      case "ObjectValue":
        return this.#object(value.fields, scope);
      case "IntValue":
        return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : tagged("BigInt", value.value);
      case "FloatValue":
        return Number(value.value);
      case "StringValue":
        return scope === "document" ? tagged("Json", value.value) : value.value;
      default:
        return value.value;
    }
  }
}

function tagged($type: string, value: string): JsonObject {
  return { $type, value };
}
