import { createHash, timingSafeEqual } from 'node:crypto'
import { Refused } from '../service/refused.js'
import { clientAddress } from './client-address.js'
import type { HttpContext, Scope } from './context.js'
import { describeGuard } from './describe.js'
import { forbidCaching } from './scope.js'

/**
 * Guards every route that the scope registers from now on: only a service with one of `serviceCredentials` passes, by
 * HTTP Basic (RFC 6749 §2.3.1). The guard runs before the body is read.
 */
export function requireService(scope: Scope, { settings }: HttpContext): void {
  forbidCaching(scope)
  const known = settings.serviceCredentials.map(digest)
  scope.addHook('onRequest', async (request) => {
    const { authorization } = request.headers
    if (authorization === undefined) throw new Refused('missing_credentials', { scheme: 'Basic' })
    if (readBasic(authorization).some((credential) => isAmong(known, credential))) return
    // Nobody guesses secrets of this length, so a service is misconfigured; its address tells the operator which one.
    request.log.warn({ ip: clientAddress(request) }, 'a service credential was refused')
    throw new Refused('invalid_credentials', { scheme: 'Basic' })
  })
  describeGuard(scope, {
    tag: 'discovery',
    security: [{ service: [] }],
    problems: ['missing_credentials', 'invalid_credentials', 'unavailable']
  })
}

/**
 * `id:secret` in both readings: as sent, and form-decoded. RFC 6749 tells clients to form-encode both parts, and many
 * clients do not.
 */
function readBasic(authorization: string): readonly string[] {
  const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization)?.[1]
  if (encoded === undefined) return []
  const sent = Buffer.from(encoded, 'base64').toString('utf8')
  return [sent, new URLSearchParams(`v=${sent.replaceAll('&', '%26')}`).get('v') ?? '']
}

/** Compares with every known digest in constant time, so the duration reveals nothing. */
function isAmong(known: readonly Uint8Array[], credential: string): boolean {
  const presented = digest(credential)
  return known.reduce((found, one) => timingSafeEqual(one, presented) || found, false)
}

function digest(credential: string): Uint8Array {
  return createHash('sha256').update(credential).digest()
}
