import { audienceClaim } from '../../core/access-claims.js'
import { clientTokenLimit } from '../../core/rate-limits.js'
import { grantedScopes } from '../../core/scopes.js'
import type { AuthenticatedClient, Ports } from '../../ports/index.js'
import { counted, type LimitPorts } from '../limits.js'
import { Refused } from '../refused.js'
import { type IssuableTimePorts, issuableTime } from '../sessions/issuable-time.js'

/** What a client receives (RFC 6749 §5.1). */
export interface ClientToken {
  readonly accessToken: string
  readonly expiresInSeconds: number
  readonly scopes: readonly string[]
}

export type IssueClientTokenPorts = IssuableTimePorts &
  LimitPorts &
  Pick<Ports, 'identity' | 'policy' | 'entropy' | 'accessTokens' | 'decisions'>

/**
 * Makes an access token with the requested scopes for a client that has just proved its secret; with all of the client's
 * scopes if it requests none. If the secret is deleted meanwhile, the token is dead: the revocation outlives it, because
 * the life of the token begins when the secret was read.
 */
export async function issueClientToken(
  ports: IssueClientTokenPorts,
  client: AuthenticatedClient,
  requestedScope: string | undefined
): Promise<ClientToken> {
  const { clientId, secretId } = client
  const note = (outcome: 'issued' | 'invalid_scope' | 'limited') =>
    ports.decisions.note('client_token', outcome, { clientId, sid: secretId })
  const scopes = grantedScopes(client.scopes, requestedScope)
  if (scopes === undefined) {
    note('invalid_scope')
    throw new Refused('invalid_scope', { detail: 'A scope was requested that the client does not have.' })
  }
  const accessToken = await counted(
    ports,
    [{ limit: clientTokenLimit, key: clientId }],
    async () => signed(ports, client, scopes),
    () => true,
    () => note('limited')
  )
  note('issued')
  return { accessToken, expiresInSeconds: ports.policy.accessTokenTtlSeconds, scopes }
}

async function signed(ports: IssueClientTokenPorts, client: AuthenticatedClient, scopes: readonly string[]) {
  const { clientId, secretId } = client
  const iat = Math.floor((await issuableTime(ports, secretId, client.now)) / 1000)
  return ports.accessTokens.sign({
    iss: ports.identity.issuer,
    aud: audienceClaim(ports.identity.audiences),
    sub: clientId,
    sid: secretId,
    jti: ports.entropy.uuid(),
    client_id: clientId,
    iat,
    exp: iat + ports.policy.accessTokenTtlSeconds,
    scope: scopes.join(' ')
  })
}
