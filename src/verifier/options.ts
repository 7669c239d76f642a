import type { ServiceCredential } from './revocation-follower.js'

export interface VerifierOptions {
  /** The `iss` of its tokens, which is the base address of the service: its ISSUER. */
  readonly issuer: string
  /** The `aud` that tokens must have: the service's AUDIENCE, which is its ISSUER where it was not set. */
  readonly audience: string
  /** Where the issuer's keys are, if not at its `/.well-known/jwks.json`: an address inside your network, say. */
  readonly jwksUrl?: string
  /** Follow what the issuer revokes. Without it a token is trusted until its `exp`. */
  readonly feed?: {
    /** If not the issuer's `/revocations`. */
    readonly url?: string
    readonly credential: ServiceCredential
  }
  /**
   * While the feed has been silent for more than 15 s: `allow` (the default) trusts tokens until their
   * `exp`, unless they are known to be revoked; `deny` answers 503.
   */
  readonly stale?: 'allow' | 'deny'
  /** How far this machine's clock may run ahead of the issuer's, in seconds from 0 to 30; 5 by default. */
  readonly clockToleranceSeconds?: number
  /** Told when the issuer cannot be reached; a process warning by default. Never sees a token or a secret. */
  readonly warn?: (message: string) => void
}

/** The options with what was left out, checked. */
export interface CheckedOptions {
  readonly issuer: string
  readonly audience: string
  readonly jwksUrl: URL
  readonly feed: { readonly url: URL; readonly credential: ServiceCredential } | undefined
  readonly deniesWhenStale: boolean
  readonly clockToleranceMilliseconds: number
  warn(message: string): void
}

/** The feed keeps an entry for 60 s past the last `exp` that it matters to; a tolerance must stay well below. */
const mostToleranceSeconds = 30

/** Throws a TypeError that names the option that does not fit. */
export function checkOptions(options: VerifierOptions): CheckedOptions {
  const { issuer, audience, feed, stale = 'allow', clockToleranceSeconds = 5, warn = warnTheProcess } = options
  const base = webAddress('issuer', issuer).href.replace(/\/+$/, '')
  if (typeof audience !== 'string' || audience === '') fail('audience', 'must be the AUDIENCE of the issuer')
  if (stale !== 'allow' && stale !== 'deny') fail('stale', "must be 'allow' or 'deny'")
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= mostToleranceSeconds)) {
    fail('clockToleranceSeconds', `must be from 0 to ${mostToleranceSeconds}`)
  }
  if (stale === 'deny' && feed === undefined) fail('stale', "can be 'deny' only where there is a feed")
  if (feed !== undefined && !(feed.credential?.id && feed.credential.secret)) {
    fail('feed.credential', 'must have the id and the secret of one of the SERVICE_CREDENTIALS of the issuer')
  }
  return {
    issuer,
    audience,
    jwksUrl: webAddress('jwksUrl', options.jwksUrl ?? `${base}/.well-known/jwks.json`),
    feed: feed && { url: webAddress('feed.url', feed.url ?? `${base}/revocations`), credential: feed.credential },
    deniesWhenStale: stale === 'deny',
    clockToleranceMilliseconds: clockToleranceSeconds * 1000,
    warn
  }
}

function webAddress(option: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    fail(option, 'must be an address that begins with http(s)://')
  if (url.username !== '' || url.password !== '') fail(option, 'must not hold a credential')
  return url
}

function fail(option: string, fault: string): never {
  throw new TypeError(`The verifier's option ${option} ${fault}.`)
}

function warnTheProcess(message: string): void {
  process.emitWarning(message, 'LatchkeyWarning')
}
