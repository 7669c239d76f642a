import type { Surroundings } from './surroundings.js'
import { type VerificationKey, verificationKeys } from './verification-key.js'

export interface IssuerKeysOptions {
  /** Where the issuer's JWK Set is. */
  readonly url: URL
  readonly surroundings: Surroundings
  warn(message: string): void
}

export interface IssuerKeys {
  /** Whether there are keys to trust now; while there are none, no token can be judged. */
  isUsable(): boolean
  /** Whether the issuer could not be asked when it was last tried, and so may have made this key since. */
  mayHaveMade(kid: string): boolean
  find(kid: string): VerificationKey | undefined
  /** Sees to it that the keys are as new as they must be; what it returns is to be waited for. Never rejects. */
  renew(): Promise<void> | undefined
  /** Asks the issuer again because of a key that is not known, unless that was done a moment ago or it has withdrawn it. Never rejects. */
  renewForUnknown(kid: string): Promise<void> | undefined
  /**
   * The issuer says which keys it has now. Any other is good for nothing from this moment, whatever a
   * cache on the way still hands out; one that is not known is fetched.
   */
  learn(kids: readonly string[]): void
}

interface Answer {
  readonly keys: readonly VerificationKey[]
  readonly maxAgeMilliseconds: number
}

/** How much of their max-age keys reach before they are fetched anew, so that no token has to wait for it. */
const renewAfterShare = 0.8

/**
 * The issuer's public keys: fetched by one request at a time, kept for as long as the issuer's
 * Cache-Control says, and a bounded time longer while it cannot be asked.
 */
export function issuerKeys({ url, surroundings: { now, timing }, warn }: IssuerKeysOptions): IssuerKeys {
  let keys: ReadonlyMap<string, VerificationKey> = new Map()
  let withdrawn: ReadonlySet<string> = new Set()
  let renewFrom = Number.NEGATIVE_INFINITY
  let freshUntil = Number.NEGATIVE_INFINITY
  let failedAt = Number.NEGATIVE_INFINITY
  let unknownAskedAt = Number.NEGATIVE_INFINITY
  let cutOff = false
  let fetching: Promise<void> | undefined

  const isUsable = () => now() < freshUntil + timing.keysStaleIfError

  async function fetchKeys(): Promise<void> {
    const asked = now()
    try {
      const { keys: published, maxAgeMilliseconds } = await askIssuer(url, timing.keysAnswer)
      // A key that has not changed stays the same object: by that, tokens of keys that are gone are told.
      const good = published.filter(({ kid }) => !withdrawn.has(kid))
      keys = new Map(good.map((key) => [key.kid, unchanged(keys.get(key.kid), key)]))
      renewFrom = asked + maxAgeMilliseconds * renewAfterShare
      freshUntil = asked + maxAgeMilliseconds
      cutOff = false
    } catch (error) {
      if (!cutOff) warn(`The keys of the issuer cannot be had from ${url.href}: ${reasonOf(error)}`)
      cutOff = true
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
    mayHaveMade: (kid) => cutOff && !withdrawn.has(kid),
    find: (kid) => keys.get(kid),

    learn(kids) {
      withdrawn = new Set([...withdrawn, ...keys.keys()].filter((kid) => !kids.includes(kid)))
      keys = new Map([...keys].filter(([kid]) => !withdrawn.has(kid)))
      const lacksOne = () => kids.some((kid) => !keys.has(kid))
      // A fetch that was under way may have been answered before the key was there.
      if (lacksOne()) void renewNow().then(() => (lacksOne() ? renewNow() : undefined))
    },

    renew() {
      if (now() < renewFrom) return undefined
      const mayAsk = now() >= failedAt + timing.keysRetry
      const renewal = mayAsk ? renewNow() : fetching
      // Old keys serve while new ones come; past their time only where the issuer was away already.
      const goodMeanwhile = now() < freshUntil || (cutOff && isUsable())
      return goodMeanwhile ? undefined : renewal
    },

    renewForUnknown(kid) {
      if (withdrawn.has(kid)) return undefined
      if (fetching !== undefined) return fetching
      if (now() < unknownAskedAt + timing.unknownKeyCoolDown) return undefined
      unknownAskedAt = now()
      return renewNow()
    }
  }
}

function unchanged(known: VerificationKey | undefined, key: VerificationKey): VerificationKey {
  return known?.published === key.published ? known : key
}

const mostBytes = 256 * 1024

async function askIssuer(url: URL, milliseconds: number): Promise<Answer> {
  const response = await fetch(url, {
    // A cache on the way must not answer with keys of before a change.
    headers: { accept: 'application/json', 'cache-control': 'no-cache' },
    redirect: 'error',
    signal: AbortSignal.timeout(milliseconds)
  })
  if (!response.ok) {
    await response.body?.cancel()
    throw new Error(`it answered ${response.status}`)
  }
  const keys = verificationKeys(JSON.parse(await boundedText(response)))
  return { keys, maxAgeMilliseconds: maxAgeOf(response) * 1000 }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > mostBytes) throw new Error(`its answer has more than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const usualMaxAge = 300
const leastMaxAge = 10
const longestMaxAge = 3600

/** In seconds, within bounds that spare the issuer and let a key that was withdrawn go (RFC 9111 §5.2.2.1). */
function maxAgeOf({ headers }: Response): number {
  const maxAge = /(?:^|[\s,])max-age="?(\d{1,9})/i.exec(headers.get('cache-control') ?? '')?.[1]
  return Math.min(Math.max(Number(maxAge ?? usualMaxAge), leastMaxAge), longestMaxAge)
}

/** fetch says only that it failed; its cause says why. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
