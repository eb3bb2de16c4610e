/** Where a URL is that may hold a password. */
export type UrlConfig = { readonly variable: string } | { readonly path: string };
