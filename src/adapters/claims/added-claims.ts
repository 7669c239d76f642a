import { attributesInToken, changedMembers } from '../../core/attributes.js'
import { deepFrozen } from '../../core/deep-frozen.js'
import { readHostClaims } from '../../core/host-claims.js'
import type { JsonObject } from '../../core/merge-patch.js'
import type { AddedClaims, ClaimedSession, ClaimsFunction } from '../../ports/added-claims.js'
import { Unavailable } from '../../ports/errors.js'
import type { Log } from '../../ports/runtime.js'
import type { SessionUser } from '../../ports/users.js'

export interface AddedClaimsOptions {
  /** The attributes that go into access tokens. */
  readonly attributes: readonly string[]
  readonly claims: ClaimsFunction | undefined
  readonly log: Pick<Log, 'warn'>
  /** How long the host's function may take; 2 s by default. */
  readonly timeoutMilliseconds?: number | undefined
}

/** The claims of `TOKEN_ATTRIBUTES`, and those of the host's function `claims`. */
export function addedClaims({ attributes, claims, log, timeoutMilliseconds = 2000 }: AddedClaimsOptions): AddedClaims {
  // By the user as the store returned it: the cache of sessions returns the same object until it reads the row again.
  const read = new WeakMap<SessionUser, Promise<JsonObject>>()

  async function of(session: ClaimedSession): Promise<JsonObject> {
    const { user } = session
    const { taken, left } = attributesInToken(user.attributes, attributes)
    if (left.length > 0) {
      log.warn({ userId: user.id, attributes: left }, 'Attributes were left out of an access token: they are too long')
    }
    return claims === undefined ? taken : { ...taken, ...(await hostClaims(claims, session)) }
  }

  async function hostClaims(claims: ClaimsFunction, session: ClaimedSession): Promise<JsonObject> {
    const about = { userId: session.user.id, sid: session.id }
    const result = await withinTime(async () => claims(subjectOf(session)), timeoutMilliseconds).catch((error) => {
      log.warn({ ...about, err: error }, 'The function claims has failed: the request is answered 503')
      throw new Unavailable("The host's function claims has failed.")
    })
    const verdict = readHostClaims(result)
    if (verdict.ok) return verdict.claims
    log.warn(about, `The result of the function claims ${verdict.fault}: the request is answered 503`)
    throw new Unavailable("The result of the host's function claims cannot be used.")
  }

  return {
    callsHost: claims !== undefined,
    of,
    ofRead(session) {
      const known = read.get(session.user)
      if (known !== undefined) return known
      const made = of(session)
      read.set(session.user, made)
      // The next request calls the function again.
      made.catch(() => read.delete(session.user))
      return made
    },
    changeBetween(before, after) {
      const changed = changedMembers(before.attributes, after.attributes)
      if (claims === undefined) return changed.some((name) => attributes.includes(name))
      return changed.length > 0 || before.externalId !== after.externalId
    }
  }
}

/** Frozen, because the store's caches share what is in it. */
const subjectOf = ({ user, id, mode, device, userAgent, ip, amr, authTime }: ClaimedSession) =>
  deepFrozen({
    user: {
      id: user.id,
      email: user.email,
      externalId: user.externalId,
      roles: user.roles,
      attributes: user.attributes,
      createdAt: user.createdAt
    },
    session: { id, mode, device, userAgent, ip, amr, authTime: Math.floor(authTime / 1000) }
  })

/** Rejects if `work` takes longer. What it does later is ignored. */
async function withinTime<T>(work: () => Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`It did not answer within ${milliseconds} ms`)), milliseconds)
  })
  try {
    return await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}
