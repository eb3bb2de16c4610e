/** What is used of GraphQL's syntax tree: a value, as the arguments of a field have it. */
export type GraphqlValue =
  | { readonly kind: "IntValue" | "FloatValue" | "StringValue" | "EnumValue"; readonly value: string }
  | { readonly kind: "BooleanValue"; readonly value: boolean }
  | { readonly kind: "NullValue" }
  | { readonly kind: "ListValue"; readonly values: readonly GraphqlValue[] }
  | { readonly kind: "ObjectValue"; readonly fields: readonly GraphqlArgument[] };

/** A name with a value: an argument, or a field of an object. */
export interface GraphqlArgument {
  readonly name: { readonly value: string };
  readonly value: GraphqlValue;
}

/** A field that is asked for, with the fields below it. */
export interface GraphqlField {
  readonly name: { readonly value: string };
  readonly alias?: { readonly value: string } | undefined;
  readonly arguments?: readonly GraphqlArgument[] | undefined;
  readonly selectionSet?: GraphqlSelection | undefined;
}

/** What is asked for of something. */
export interface GraphqlSelection {
  readonly selections: readonly GraphqlField[];
}

/** A whole text of GraphQL. */
export interface GraphqlDocument {
  readonly definitions: readonly { readonly selectionSet: GraphqlSelection }[];
}
