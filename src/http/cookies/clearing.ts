import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SessionTokenKind } from '../../core/opaque-token.js'
import type { HttpContext } from '../context.js'
import { clearCredential, clearOtherForms, earlierCookies, ownCookie, readCookies } from './cookies.js'
import { ofThisService } from './ownership.js'

/**
 * Clears the cookies of a session that has ended, but no cookie that may be another service's or another session's. `sid`
 * is that session; without it, every session in the cookies has ended.
 */
export async function clearCookies(
  request: FastifyRequest,
  reply: FastifyReply,
  kind: SessionTokenKind,
  context: HttpContext,
  sid?: string
): Promise<void> {
  clearOwnCookies(request, reply, kind, context, sid)
  await clearEarlierCookies(request, reply, kind, context, sid)
}

/** As `clearCookies`, for the name of new cookies alone. */
export function clearOwnCookies(
  request: FastifyRequest,
  reply: FastifyReply,
  kind: SessionTokenKind,
  context: HttpContext,
  sid?: string
): void {
  const { ports, settings } = context
  const own = ownCookie(kind, settings)
  const tokens = readCookies(request, own, settings)
  const sids = tokens.map((token) => ports.opaqueTokens.open(kind, token)?.sid)
  if (tokens.length > 0 && !sids.some((found) => found !== undefined && (sid ?? found) === found)) return
  if (tokens.length > 1) clearOtherForms(request, reply, own, context)
  clearCredential(reply, own, context)
}

/**
 * As `clearCookies`, for the names of earlier cookies. Clears a name only if all cookies of the request under it are of an
 * ended session: a response cannot choose between them, and the others may be another service's.
 */
export async function clearEarlierCookies(
  request: FastifyRequest,
  reply: FastifyReply,
  kind: SessionTokenKind,
  context: HttpContext,
  sid?: string
): Promise<void> {
  const { ports, settings } = context
  for (const key of earlierCookies(kind, settings)) {
    const cookies = readCookies(request, key, settings).map((token) => ({ ...key, token }))
    const ended = (await ofThisService(cookies, context)).filter(
      ({ token }) => sid === undefined || ports.opaqueTokens.open(kind, token)?.sid === sid
    )
    if (cookies.length === 0 || ended.length < cookies.length) continue
    if (cookies.length > 1) clearOtherForms(request, reply, key, context)
    clearCredential(reply, key, context)
  }
}
