import type { BrowserRequest } from './server-client.js'

/** Reads a header of a `Request` of the Fetch API, or of Node. */
export function headerOf({ headers }: BrowserRequest, name: string): string | undefined {
  const value = isReader(headers) ? headers.get(name) : headers[name]
  return typeof value === 'string' ? value : (value?.[0] ?? undefined)
}

function isReader(headers: BrowserRequest['headers']): headers is { get(name: string): string | null } {
  return typeof headers.get === 'function'
}

/**
 * Whether a page of another origin has sent the request, by the rules of Latchkey's own check. A request without these
 * headers comes from another kind of program, whose cookies no website can use.
 */
export function isForeign(request: BrowserRequest, ownOrigin: string): boolean {
  const origin = headerOf(request, 'origin')
  const site = headerOf(request, 'sec-fetch-site')
  if (origin === ownOrigin || site === 'same-origin' || site === 'none') return false
  return site !== undefined || origin !== undefined
}

/** `isForeign` for any method. Browsers name the origin where a page sends a request, and not where a link leads. */
export function hasForeignOrigin(request: BrowserRequest, ownOrigin: string): boolean {
  return headerOf(request, 'origin') !== undefined && isForeign(request, ownOrigin)
}

/** Whether a page of another site led to the request, so that the browser has not sent its `SameSite=Strict` cookies. */
export function comesFromElsewhere(request: BrowserRequest): boolean {
  return headerOf(request, 'sec-fetch-site') === 'cross-site'
}
