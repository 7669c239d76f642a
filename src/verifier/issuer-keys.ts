import { fetchJson, messageOf } from './fetch-json.js'
import type { Runtime } from './runtime.js'
import { type VerificationKey, verificationKeys } from './verification-key.js'

/** Keys are fetched again after this share of their max-age, so that no token has to wait for them. */
const renewAfterShare = 0.8

/**
 * The issuer's public keys, from the address of its JWK Set. One request at a time fetches them. They are trusted for
 * as long as the issuer's Cache-Control says, and for a limited time longer while the issuer cannot be reached.
 */
export function issuerKeys(url: URL, runtime: Runtime, warn: (message: string) => void) {
  const { now, timing } = runtime
  let keys: ReadonlyMap<string, VerificationKey> = new Map()
  let withdrawn: ReadonlySet<string> = new Set()
  let renewFrom = Number.NEGATIVE_INFINITY
  let freshUntil = Number.NEGATIVE_INFINITY
  let failedAt = Number.NEGATIVE_INFINITY
  let unknownFetchedAt = Number.NEGATIVE_INFINITY
  let isUnreachable = false
  let fetching: Promise<void> | undefined

  /** Whether the keys are recent enough to trust. Otherwise no token can be verified. */
  const isUsable = () => now() < freshUntil + timing.keysStaleIfError

  async function fetchKeys(): Promise<void> {
    const startedAt = now()
    try {
      const { keys: published, maxAgeMilliseconds } = await fetchKeySet(runtime, url)
      // An unchanged key stays the same object: the token cache compares keys by identity.
      const trusted = published.filter(({ kid }) => !withdrawn.has(kid))
      keys = new Map(trusted.map((key) => [key.kid, unchanged(keys.get(key.kid), key)]))
      renewFrom = startedAt + maxAgeMilliseconds * renewAfterShare
      freshUntil = startedAt + maxAgeMilliseconds
      isUnreachable = false
    } catch (error) {
      if (!isUnreachable) warn(`The issuer's keys could not be fetched from ${url.href}: ${messageOf(error)}`)
      isUnreachable = true
      failedAt = now()
    } finally {
      fetching = undefined
    }
  }

  function renewNow(): Promise<void> {
    fetching ??= fetchKeys()
    return fetching
  }

  return {
    isUsable,
    /** Whether the issuer may have published this key since the last, failed, fetch. */
    mayBeNew: (kid: string) => isUnreachable && !withdrawn.has(kid),
    find: (kid: string) => keys.get(kid),

    /**
     * Takes the `kid`s that the feed lists. All other keys are withdrawn at once, even if an HTTP cache still serves
     * them. Unknown keys are fetched.
     */
    setPublishedKids(kids: readonly string[]): void {
      withdrawn = new Set([...withdrawn, ...keys.keys()].filter((kid) => !kids.includes(kid)))
      keys = new Map([...keys].filter(([kid]) => !withdrawn.has(kid)))
      const isMissingKey = () => kids.some((kid) => !keys.has(kid))
      // A fetch that had already started may return the keys of before the change.
      if (isMissingKey()) void renewNow().then(() => (isMissingKey() ? renewNow() : undefined))
    },

    /** Fetches the keys if they are due. If a promise is returned, wait for it before verifying. It never rejects. */
    renew(): Promise<void> | undefined {
      if (now() < renewFrom) return undefined
      const mayFetch = now() >= failedAt + timing.keysRetryDelay
      const renewal = mayFetch ? renewNow() : fetching
      // Keys stay in use while new ones are fetched; after their max-age only if the issuer was unreachable before.
      const isUsableMeanwhile = now() < freshUntil || (isUnreachable && isUsable())
      return isUsableMeanwhile ? undefined : renewal
    },

    /**
     * Fetches the keys because of an unknown `kid`, at most every `unknownKeyDelay`: strangers can send any `kid`.
     * Never rejects.
     */
    renewForUnknownKey(kid: string): Promise<void> | undefined {
      if (withdrawn.has(kid)) return undefined
      if (fetching !== undefined) return fetching
      if (now() < unknownFetchedAt + timing.unknownKeyDelay) return undefined
      unknownFetchedAt = now()
      return renewNow()
    }
  }
}

function unchanged(known: VerificationKey | undefined, key: VerificationKey): VerificationKey {
  return known?.published === key.published ? known : key
}

async function fetchKeySet(runtime: Runtime, url: URL) {
  const { json, headers } = await fetchJson(runtime, url, runtime.timing.keysTimeout)
  return { keys: verificationKeys(json), maxAgeMilliseconds: maxAgeOf(headers) * 1000 }
}

const defaultMaxAge = 300
const minMaxAge = 10
const maxMaxAge = 3600

/** In seconds (RFC 9111 §5.2.2.1). Bounded: a short max-age would overload the issuer, a long one keep withdrawn keys. */
function maxAgeOf(headers: Headers): number {
  const maxAge = /(?:^|[ \t,])max-age="?(\d{1,9})/i.exec(headers.get('cache-control') ?? '')?.[1]
  return Math.min(Math.max(Number(maxAge ?? defaultMaxAge), minMaxAge), maxMaxAge)
}
