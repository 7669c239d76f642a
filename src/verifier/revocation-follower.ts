import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { type RevocationTerms, revocationSet } from '../core/revocation-set.js'
import { eventStreamReader, type StreamEvent } from './event-stream.js'
import { messageOf } from './fetch-json.js'
import type { Runtime } from './runtime.js'

interface FeedCredential {
  readonly id: string
  readonly secret: string
}

export interface RevocationFollowerOptions {
  readonly url: URL
  readonly credential: FeedCredential
  readonly runtime: Runtime
  warn(message: string): void
  /** Called with each entry, once it counts. */
  onEntry(entry: RevocationTerms): void
  /** Called with the `kid`s of all keys of the issuer. */
  onKeys(kids: readonly string[]): void
}

/** The delay before the next attempt, as a share of the outage so far. */
const delayShare = 1 / 32

/**
 * Follows the issuer's revocation feed until it is closed. If the connection is lost or silent, it connects again and
 * resumes after the last entry. The delay between attempts grows with the outage, and stays short after a short one.
 */
export function followRevocations(options: RevocationFollowerOptions) {
  const { url, credential, runtime, warn, onEntry, onKeys } = options
  const { now, random, timing } = runtime
  const revoked = revocationSet()
  const closing = new AbortController()
  let markStarted = () => {}
  const firstAttempt = new Promise<void>((resolve) => {
    markStarted = resolve
  })
  let lastId = ''
  let freshAt = Number.NEGATIVE_INFINITY
  let failedSince: number | undefined
  let refusedCredential: RefusedCredential | undefined

  function handle({ id, type, data }: StreamEvent): boolean {
    if (type === 'keys') onKeys(parseKids(data))
    if (type === 'revocation') {
      const entry = parseEntry(data)
      revoked.add(entry)
      onEntry(entry)
      lastId = id
    }
    return type === 'ready'
  }

  async function followOnce(): Promise<void> {
    const silent = new AbortController()
    const silence = setTimeout(() => silent.abort(new Error('it is silent')), timing.feedReconnectAfter)
    const abort = AbortSignal.any([closing.signal, silent.signal])
    try {
      const read = eventStreamReader()
      let caughtUp = false
      for await (const text of readEventText(url, credential, lastId, runtime.fetch, abort)) {
        silence.refresh()
        for (const event of read(text)) caughtUp = handle(event) || caughtUp
        revoked.sweep(now())
        if (!caughtUp) continue
        freshAt = now()
        failedSince = undefined
        refusedCredential = undefined
        markStarted()
      }
      if (!caughtUp) throw new Error('it ended before the past entries were complete')
    } catch (error) {
      // An older version of the issuer refuses the ids of a newer one. Without an id it sends all entries.
      if (error instanceof BadRequest) lastId = ''
      throw error
    } finally {
      clearTimeout(silence)
    }
  }

  async function follow(): Promise<void> {
    while (!closing.signal.aborted) {
      await followOnce().catch((error: unknown) => {
        const warning = warningOf(error)
        if (warning !== undefined && !closing.signal.aborted) warn(warning)
        failedSince ??= now()
        if (error instanceof RefusedCredential) refusedCredential = error
        markStarted()
      })
      const outage = failedSince === undefined ? 0 : now() - failedSince
      const wait = Math.min(Math.max(timing.feedMinDelay, outage * delayShare), timing.feedMaxDelay)
      await delay(wait * (0.5 + random() / 2), undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  /** The warning for a failure: the first of an outage, or the first that shows that the issuer refuses the credential. */
  function warningOf(error: unknown): string | undefined {
    if (error instanceof RefusedCredential) return refusedCredential === undefined ? error.message : undefined
    if (failedSince !== undefined) return undefined
    return `The issuer's revocations could not be followed at ${url.href}: ${messageOf(error)}`
  }

  const followed = follow()
  const timeout = delay(timing.feedStartTimeout, undefined, { ref: false, signal: closing.signal }).catch(
    () => undefined
  )
  return {
    /** Resolves when all past entries have arrived, or the first attempt has failed or timed out. */
    started: Promise.race([firstAttempt, timeout]),
    /** The error if the issuer refused the credential at the latest attempt. */
    refusedCredential: () => refusedCredential,
    refusal: revoked.refuses,
    entryAgainst: revoked.entryAgainst,
    /** Whether the feed has been silent for so long that revocations may be missing. */
    isStale: () => now() - freshAt > timing.feedStaleAfter,
    /** The number of entries in memory. */
    size: () => revoked.size,
    close(): Promise<void> {
      closing.abort()
      return followed
    }
  }
}

export type RevocationFollower = ReturnType<typeof followRevocations>

class BadRequest extends Error {}

/** The issuer answered 401 or 403. Only its operator or ours can change that. */
class RefusedCredential extends Error {
  constructor(url: URL, id: string, status: number) {
    super(
      `The issuer refuses the verifier's feed credential (${url.href} answered ${status} to the id "${id}"). ` +
        'feed.credential must be the id and a secret of a client with the scope latchkey:feed, or one of the ' +
        'SERVICE_CREDENTIALS of the issuer. Until then revocations are not known.'
    )
  }
}

/** The text of the feed after the entry `lastId`, piece by piece. Throws if the request fails or `signal` aborts. */
async function* readEventText(
  url: URL,
  { id, secret }: FeedCredential,
  lastId: string,
  fetch: Runtime['fetch'],
  signal: AbortSignal
): AsyncGenerator<string, void, undefined> {
  const response = await fetch(url, {
    headers: {
      accept: 'text/event-stream',
      authorization: `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`,
      ...(lastId !== '' && { 'last-event-id': lastId })
    },
    redirect: 'error',
    signal
  })
  if (!response.ok || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
    await response.body?.cancel()
    if (response.ok) throw new Error('it did not answer with events')
    if (response.status === 401 || response.status === 403) throw new RefusedCredential(url, id, response.status)
    throw new (response.status === 400 ? BadRequest : Error)(`it answered ${response.status}`)
  }
  if (response.body === null) throw new Error('it did not answer with events')
  const decoder = new TextDecoder()
  // `fetch` stops watching the signal once its request is garbage-collected, so pass it to the stream too.
  for await (const chunk of Readable.fromWeb(response.body, { signal })) yield decoder.decode(chunk, { stream: true })
}

/** Encodes a part of the credential (RFC 6749 §2.3.1). */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

function parseEntry(data: string): RevocationTerms {
  const { sid, reason, at, expires_at: expires } = JSON.parse(data) as Record<string, unknown>
  const entry = { sid, reason, at: Date.parse(String(at)), expiresAt: Date.parse(String(expires)) }
  if (!isEntry(entry)) throw new Error('it sent an invalid entry')
  return entry
}

function parseKids(data: string): readonly string[] {
  const { kids } = JSON.parse(data) as Record<string, unknown>
  if (!Array.isArray(kids) || !kids.every((kid) => typeof kid === 'string'))
    throw new Error('it sent an invalid list of keys')
  return kids
}

function isEntry(entry: Record<keyof RevocationTerms, unknown>): entry is RevocationTerms {
  return (
    (entry.sid === null || typeof entry.sid === 'string') &&
    typeof entry.reason === 'string' &&
    Number.isFinite(entry.at) &&
    Number.isFinite(entry.expiresAt)
  )
}
