import type { JsonObject } from '../../core/merge-patch.js'
import type { ClaimedSession, Ports } from '../../ports/index.js'

/**
 * Makes the claims that the access token of one request gets beside Latchkey's own. It calls the host's function once, and
 * again only if the account has changed since. Undefined: that second call has failed, after the session was written. A
 * client that got an error then would lose the session: a refresh would present a token that is used up.
 */
export type ClaimsOfRequest = (session: ClaimedSession) => Promise<JsonObject | undefined>

/**
 * A use case that writes calls the result before it writes, if there is a function of the host: what fails then has
 * changed nothing. `issueCredentials` calls it again with the session as it was written: if the roles have changed in the
 * meantime, claims that were made of the old ones go into no token.
 */
export function claimsOfRequest({ addedClaims }: Pick<Ports, 'addedClaims'>): ClaimsOfRequest {
  let made: { readonly account: string; readonly claims: JsonObject } | undefined
  if (!addedClaims.callsHost) return addedClaims.of
  return async (session) => {
    const { email, externalId, roles, attributes } = session.user
    const account = JSON.stringify([email, externalId, roles, attributes])
    if (made?.account === account) return made.claims
    const isRepeated = made !== undefined
    try {
      made = { account, claims: await addedClaims.of(session) }
    } catch (error) {
      // In `access` mode the access token is all that the client gets, so it must be good.
      if (isRepeated && session.mode !== 'access') return undefined
      throw error
    }
    return made.claims
  }
}
