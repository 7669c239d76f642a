import type { ServiceCredential } from './revocation-follower.js'

/** Options of `createVerifier` and of the Fastify plugin. */
export interface VerifierOptions {
  /** The service's `ISSUER`: its base address, and the `iss` of its tokens. */
  readonly issuer: string
  /** The service's `AUDIENCE`, which defaults to its `ISSUER`: the `aud` that tokens must have. */
  readonly audience: string
  /** The address of the issuer's keys, for example inside your network; `/.well-known/jwks.json` of the issuer by default. */
  readonly jwksUrl?: string
  /** Follows the issuer's revocations. Without it, a token of an ended session is accepted until its `exp`. */
  readonly feed?: {
    /** `/revocations` of the issuer by default. */
    readonly url?: string
    readonly credential: ServiceCredential
  }
  /**
   * What happens after the feed has been silent for 15 s: `allow` (the default) accepts tokens until their `exp`
   * unless a known entry revokes them; `deny` answers 503.
   */
  readonly stale?: 'allow' | 'deny'
  /** How far this machine's clock may be ahead of the issuer's, in seconds from 0 to 30; 5 by default. */
  readonly clockToleranceSeconds?: number
  /** Called when the issuer cannot be reached; emits a process warning by default. Never receives a token or a secret. */
  readonly warn?: (message: string) => void
}

/** The feed keeps an entry for 60 s after the last `exp` that it concerns; the tolerance must stay well below. */
const maxToleranceSeconds = 30

/** The checked options, with defaults. Throws a TypeError that names the invalid option. */
export function checkOptions(options: VerifierOptions) {
  const { issuer, audience, feed, stale = 'allow', clockToleranceSeconds = 5, warn = emitProcessWarning } = options
  const base = parseWebAddress('issuer', issuer).href.replace(/\/+$/, '')
  if (typeof audience !== 'string' || audience === '') fail('audience', 'must be the AUDIENCE of the issuer')
  if (stale !== 'allow' && stale !== 'deny') fail('stale', "must be 'allow' or 'deny'")
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= maxToleranceSeconds)) {
    fail('clockToleranceSeconds', `must be from 0 to ${maxToleranceSeconds}`)
  }
  if (stale === 'deny' && feed === undefined) fail('stale', "can be 'deny' only with a feed")
  if (feed !== undefined && !(feed.credential?.id && feed.credential.secret)) {
    fail('feed.credential', 'must have the id and the secret of one of the SERVICE_CREDENTIALS of the issuer')
  }
  return {
    issuer,
    audience,
    jwksUrl: parseWebAddress('jwksUrl', options.jwksUrl ?? `${base}/.well-known/jwks.json`),
    feed: feed && { url: parseWebAddress('feed.url', feed.url ?? `${base}/revocations`), credential: feed.credential },
    deniesWhenStale: stale === 'deny',
    clockToleranceMilliseconds: clockToleranceSeconds * 1000,
    warn
  }
}

function parseWebAddress(option: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    fail(option, 'must be an address that begins with http(s)://')
  if (url.username !== '' || url.password !== '') fail(option, 'must not contain a credential')
  return url
}

function fail(option: string, fault: string): never {
  throw new TypeError(`The verifier's option ${option} ${fault}.`)
}

function emitProcessWarning(message: string): void {
  process.emitWarning(message, 'LatchkeyWarning')
}
