import { SecretError } from "../../domain/secret-error.js";

/** Told of a text, and where it stands: `model_list[0].litellm_params.api_key`. */
export type VisitText<T> = (text: string, path: string) => T;

/**
 * A copy of plain data with each text replaced; what is neither an array nor a plain object stays as it is.
 * @throws SecretError `FIELD_INVALID` for data that contains itself
 */
export function mapTexts(data: unknown, visit: VisitText<unknown>): unknown {
  return mapWithin(data, visit, { path: "", parents: new Set() });
}

interface Place {
  readonly path: string;
  readonly parents: ReadonlySet<unknown>;
}

function mapWithin(data: unknown, visit: VisitText<unknown>, { path, parents }: Place): unknown {
  if (typeof data === "string") return visit(data, path);
  const isArray = Array.isArray(data);
  if (!isArray && !isPlainObject(data)) return data;
  if (parents.has(data)) throw SecretError.fieldInvalid([{ field: path, description: "must not contain itself" }]);
  const inside = new Set(parents).add(data);
  if (isArray) {
    return data.map((item: unknown, index) => {
      return mapWithin(item, visit, { path: `${path}[${String(index)}]`, parents: inside });
    });
  }
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => {
      const place = { path: path === "" ? key : `${path}.${key}`, parents: inside };
      return [key, mapWithin(value, visit, place)];
    }),
  );
}

function isPlainObject(data: unknown): data is Readonly<Record<string, unknown>> {
  if (typeof data !== "object" || data === null) return false;
  const prototype: unknown = Object.getPrototypeOf(data);
  return prototype === null || prototype === Object.prototype;
}
