/** The base URL of the routes: they have the same prefix as the pages. */
export const baseURL = new URL('.', location.href).href
