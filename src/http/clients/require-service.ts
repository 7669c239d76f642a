import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { readBearer } from '../../core/bearer.js'
import { uuidOfClient } from '../../core/clients.js'
import type { ServiceScope } from '../../core/scopes.js'
import { authenticateClient } from '../../service/clients/authenticate-client.js'
import { Refused } from '../../service/refused.js'
import { acceptClientToken } from '../../service/sessions/authenticate.js'
import { clientAddress } from '../client-address.js'
import type { HttpContext, Scope } from '../context.js'
import { describeGuard } from '../describe.js'
import { forbidCaching } from '../scope.js'
import { partsOf, readBasic } from './basic-credentials.js'

/** Until when the credential of a request is good, for responses that go on. */
export interface CredentialEnd {
  /** The credential ends if the feed has this `sid`. */
  readonly sid: string
  /** In milliseconds. */
  readonly expiresAt: number
}

/** None for one of `SERVICE_CREDENTIALS`, which ends with a restart. */
const ends = new WeakMap<FastifyRequest, CredentialEnd>()

export function credentialEnd(request: FastifyRequest): CredentialEnd | undefined {
  return ends.get(request)
}

/**
 * Guards every route that the scope registers from now on. A machine client with `required` passes by its access token or
 * by its id and secret, and a service by one of `serviceCredentials`; the last two by HTTP Basic (RFC 6749 §2.3.1). The
 * guard runs before the body is read.
 */
export function requireService(scope: Scope, context: HttpContext, required: ServiceScope): void {
  forbidCaching(scope)
  const known = context.settings.serviceCredentials.map(digest)
  scope.addHook('onRequest', async (request) => {
    const { authorization } = request.headers
    if (authorization === undefined) throw new Refused('missing_credentials', { scheme: 'Basic' })
    const token = readBearer(authorization)
    if (token !== undefined) return rememberToken(request, token, context, required)
    const readings = readBasic(authorization)
    if (readings.some((credential) => isAmong(known, credential))) return
    if (await acceptsClient(request, readings, context, required)) return
    // Nobody guesses secrets of this length, so a service is misconfigured; its address tells the operator which one.
    request.log.warn({ ip: clientAddress(request) }, 'a service credential was refused')
    throw new Refused('invalid_credentials', { scheme: 'Basic' })
  })
  describeGuard(scope, {
    tag: 'discovery',
    security: [{ service: [] }, { client: [required] }],
    problems: [
      'missing_credentials',
      'invalid_credentials',
      'invalid_token',
      'token_expired',
      'session_revoked',
      'insufficient_scope',
      'too_many_requests',
      'unavailable'
    ]
  })
}

function rememberToken(request: FastifyRequest, token: string, { ports }: HttpContext, required: ServiceScope): void {
  const { sid, exp } = acceptClientToken(ports, token, required)
  ends.set(request, { sid, expiresAt: exp * 1000 })
}

/** Whether one of the readings is the id and secret of a client. A client without the scope is refused. */
async function acceptsClient(
  request: FastifyRequest,
  readings: readonly string[],
  { ports }: HttpContext,
  required: ServiceScope
): Promise<boolean> {
  const [clientId, secret] = readings.map(partsOf).find(([id]) => uuidOfClient(id) !== undefined) ?? []
  if (clientId === undefined || secret === undefined) return false
  const credential = { clientId, secret }
  const client = await authenticateClient(ports, ports.clientResolver, credential, clientAddress(request))
  if (client === undefined) return false
  if (!client.scopes.includes(required)) throw new Refused('insufficient_scope', { scope: required })
  ends.set(request, { sid: client.secretId, expiresAt: Number.POSITIVE_INFINITY })
  return true
}

/** Compares with every known digest in constant time, so the duration reveals nothing. */
function isAmong(known: readonly Uint8Array[], credential: string): boolean {
  const presented = digest(credential)
  return known.reduce((found, one) => timingSafeEqual(one, presented) || found, false)
}

function digest(credential: string): Uint8Array {
  return createHash('sha256').update(credential).digest()
}
