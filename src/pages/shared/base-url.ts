/** The address of the routes: they and the pages have the same prefix. */
export const baseURL = new URL('.', location.href).href
