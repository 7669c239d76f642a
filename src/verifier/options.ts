import { issuerAddresses } from '../core/issuer-addresses.js'
import { nearestName } from '../core/nearest-name.js'
import { metadataUrl } from './issuer-name.js'

/**
 * Options of `createVerifier` and of the Fastify plugin. `undefined` is allowed by the types so that an option can be read
 * from `process.env`. If a required one is undefined, the verifier throws a TypeError that names it.
 */
export interface VerifierOptions {
  /** The service's `ISSUER`: its base address, and the `iss` of its tokens. */
  readonly issuer: string | undefined
  /** The service's `AUDIENCE`, which defaults to its `ISSUER`, or one of several: tokens must name it in `aud`. */
  readonly audience: string | undefined
  /** The address of the issuer's keys, for example inside your network; `/.well-known/jwks.json` of the issuer by default. */
  readonly jwksUrl?: string | undefined
  /** Follows the issuer's revocations. Without it, a token of an ended session is accepted until its `exp`. */
  readonly feed?:
    | {
        /** `/revocations` of the issuer by default. */
        readonly url?: string | undefined
        readonly credential: ServiceCredential
      }
    | undefined
  /**
   * What happens after the feed has been silent for 15 s: `allow` (the default) accepts tokens until their `exp`
   * unless a known entry revokes them; `deny` answers 503.
   */
  readonly stale?: 'allow' | 'deny' | undefined
  /** How far this machine's clock may be ahead of the issuer's, in seconds from 0 to 30; 5 by default. */
  readonly clockToleranceSeconds?: number | undefined
  /** Makes all requests to the issuer, for example through a proxy or to a `testIssuer`; Node's `fetch` by default. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /**
   * Called when the issuer cannot be reached, refuses the credential, or has another name; emits a process warning by
   * default. Never receives a token or a secret.
   */
  readonly warn?: ((message: string) => void) | undefined
}

/**
 * A machine client with the scope `latchkey:feed`, or one of the issuer's `SERVICE_CREDENTIALS`: what the verifier
 * authenticates with at the feed (HTTP Basic, RFC 7617).
 */
export interface ServiceCredential {
  readonly id: string | undefined
  readonly secret: string | undefined
}

const names = [
  'issuer',
  'audience',
  'jwksUrl',
  'feed',
  'stale',
  'clockToleranceSeconds',
  'fetch',
  'warn'
] as const satisfies readonly (keyof VerifierOptions)[]

/** The feed keeps an entry for 60 s after the last `exp` that it concerns; the tolerance must stay well below. */
const maxToleranceSeconds = 30

/** The checked options, with defaults. Throws a TypeError that names the invalid option. */
export function checkOptions(options: VerifierOptions) {
  const unknown = Object.keys(options).find((key) => !names.some((name) => name === key))
  if (unknown !== undefined) fail(unknown, `does not exist. ${didYouMean(unknown)}`)
  const { feed, stale = 'allow', clockToleranceSeconds = 5, fetch, warn = emitProcessWarning } = options
  const issuer = requireText('issuer', options.issuer, 'the ISSUER of the service')
  const audience = requireText('audience', options.audience, 'the AUDIENCE of the service, or one of them')
  const { base } = issuerAddresses(parseWebAddress('issuer', issuer).href)
  if (stale !== 'allow' && stale !== 'deny') fail('stale', "must be 'allow' or 'deny'.")
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= maxToleranceSeconds)) {
    fail('clockToleranceSeconds', `must be from 0 to ${maxToleranceSeconds}.`)
  }
  for (const [name, value] of Object.entries({ fetch, warn })) {
    if (value !== undefined && typeof value !== 'function') fail(name, 'must be a function.')
  }
  if (stale === 'deny' && feed === undefined) fail('stale', "can be 'deny' only with a feed.")
  const jwksUrl = parseWebAddress('jwksUrl', options.jwksUrl ?? `${base}/.well-known/jwks.json`)
  return {
    issuer,
    audiences: [audience],
    jwksUrl,
    metadataUrl: metadataUrl(base, jwksUrl),
    feed: feed && {
      url: parseWebAddress('feed.url', feed.url ?? `${base}/revocations`),
      credential: {
        id: requireText('feed.credential.id', feed.credential?.id, 'the id of one of its SERVICE_CREDENTIALS'),
        secret: requireText('feed.credential.secret', feed.credential?.secret, 'the secret that belongs to the id')
      }
    },
    deniesWhenStale: stale === 'deny',
    clockToleranceMilliseconds: clockToleranceSeconds * 1000,
    fetch,
    warn
  }
}

function parseWebAddress(option: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    fail(option, 'must be an address that begins with http(s)://.')
  if (url.username !== '' || url.password !== '') fail(option, 'must not contain a credential.')
  return url
}

function requireText(option: string, value: string | undefined, what: string): string {
  if (typeof value === 'string' && value !== '') return value
  if (value === undefined || value === '') {
    fail(option, `is not set. It must be ${what}. If it is read from the environment, set that variable.`)
  }
  fail(option, `must be a text: ${what}.`)
}

function didYouMean(unknown: string): string {
  const near = nearestName(unknown, names)
  return near === undefined ? `The options are ${names.join(', ')}.` : `Did you mean ${near}?`
}

function fail(option: string, fault: string): never {
  throw new TypeError(`The verifier's option ${option} ${fault}`)
}

function emitProcessWarning(message: string): void {
  process.emitWarning(message, 'LatchkeyWarning')
}
