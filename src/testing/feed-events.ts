import type { RevocationTerms } from '../core/revocation-set.js'

/** The events of `GET /revocations`, as text of a stream (docs/operations.md). */

export function revocationEvent(id: number, { sid, reason, at, expiresAt }: RevocationTerms): string {
  const data = { sid, reason, at: new Date(at).toISOString(), expires_at: new Date(expiresAt).toISOString() }
  return `id: ${id}\nevent: revocation\ndata: ${JSON.stringify(data)}\n\n`
}

export function keysEvent(kids: readonly string[]): string {
  return `event: keys\ndata: ${JSON.stringify({ kids })}\n\n`
}

/** Says that all earlier entries have been sent. */
export const readyEvent = 'event: ready\ndata: {}\n\n'

/** Shows that the stream is alive. */
export const heartbeat = ': nothing new\n\n'
