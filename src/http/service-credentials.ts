import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { Refused } from '../service/refused.js'
import type { HttpSettings } from './settings.js'

/**
 * The guard of what only other services may ask: HTTP Basic with one of `serviceCredentials`
 * (RFC 6749 §2.3.1). Stands before the body is read.
 */
export function serviceGuard({
  serviceCredentials
}: Pick<HttpSettings, 'serviceCredentials'>): onRequestAsyncHookHandler {
  const known = serviceCredentials.map(digest)
  return async (request) => {
    const { authorization } = request.headers
    if (authorization === undefined) throw new Refused('missing_credentials', { scheme: 'Basic' })
    if (presented(authorization).some((credential) => isAmong(known, credential))) return
    logRefusal(request)
    throw new Refused('invalid_credentials', { scheme: 'Basic' })
  }
}

/**
 * `id:secret` as it was sent, and as it reads where the client encoded both parts as a form before
 * joining them: RFC 6749 says so, and many clients do not.
 */
function presented(authorization: string): readonly string[] {
  const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization)?.[1]
  if (encoded === undefined) return []
  const sent = Buffer.from(encoded, 'base64').toString('utf8')
  return [sent, new URLSearchParams(`v=${sent.replaceAll('&', '%26')}`).get('v') ?? '']
}

/** Compares with each of them to the end, so that the time says nothing. */
function isAmong(known: readonly Uint8Array[], credential: string): boolean {
  const asked = digest(credential)
  return known.reduce((found, one) => timingSafeEqual(one, asked) || found, false)
}

function digest(credential: string): Uint8Array {
  return createHash('sha256').update(credential).digest()
}

/** Secrets are too long to be guessed, so somebody's are wrong: whoever runs this wants to know whose. */
function logRefusal(request: FastifyRequest): void {
  request.log.warn({ ip: request.ip }, 'a service credential was refused')
}
