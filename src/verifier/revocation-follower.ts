import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { type IssuedToken, type Refusal, type RevocationTerms, revocationSet } from '../core/revocation-set.js'
import { eventStreamReader, type StreamEvent } from './event-stream.js'
import { reasonOf } from './issuer-keys.js'
import type { Surroundings } from './surroundings.js'

/** One of the issuer's SERVICE_CREDENTIALS. */
export interface ServiceCredential {
  readonly id: string
  readonly secret: string
}

export interface RevocationFollowerOptions {
  readonly url: URL
  readonly credential: ServiceCredential
  readonly surroundings: Surroundings
  warn(message: string): void
  /** The issuer's keys are these, by their `kid`. */
  onKeys(kids: readonly string[]): void
}

export interface RevocationFollower {
  /** Resolves when all that is revoked is known, or cannot be had now. */
  readonly started: Promise<void>
  refusal(token: IssuedToken): Refusal | undefined
  /** Whether the feed has been silent for too long to be sure of what is revoked. */
  isStale(): boolean
  /** How many entries are held. */
  size(): number
  close(): Promise<void>
}

/** Of an outage of 10 s, a third of a second. */
const restShare = 1 / 32

/**
 * Follows the issuer's revocations until it is closed: over a lost or silent connection it comes back,
 * at first soon and then ever more slowly, and resumes after the last entry that it has seen. It rests
 * for a share of the time that the issuer has been away, so that it is back soon after it, too.
 */
export function followRevocations(options: RevocationFollowerOptions): RevocationFollower {
  const { url, credential, surroundings, warn, onKeys } = options
  const { now, random, timing } = surroundings
  const revoked = revocationSet()
  const closing = new AbortController()
  let begun = () => {}
  const beginning = new Promise<void>((resolve) => {
    begun = resolve
  })
  let lastId = ''
  let freshAt = Number.NEGATIVE_INFINITY
  let awaySince: number | undefined

  function take({ id, type, data }: StreamEvent): boolean {
    if (type === 'keys') onKeys(kidsOf(data))
    if (type === 'revocation') {
      revoked.add(entryOf(data))
      lastId = id
    }
    return type === 'ready'
  }

  async function followOnce(): Promise<void> {
    const silent = new AbortController()
    const silence = setTimeout(() => silent.abort(new Error('it has fallen silent')), timing.feedPatience)
    const over = AbortSignal.any([closing.signal, silent.signal])
    try {
      const read = eventStreamReader()
      let caughtUp = false
      for await (const text of eventText(url, credential, lastId, over)) {
        silence.refresh()
        for (const event of read(text)) caughtUp = take(event) || caughtUp
        revoked.sweep(now())
        if (!caughtUp) continue
        freshAt = now()
        awaySince = undefined
        begun()
      }
      if (!caughtUp) throw new Error('it ended before all was told')
    } finally {
      clearTimeout(silence)
    }
  }

  async function follow(): Promise<void> {
    while (!closing.signal.aborted) {
      await followOnce().catch((error: unknown) => {
        if (awaySince === undefined && !closing.signal.aborted) {
          warn(`The revocations of the issuer cannot be followed at ${url.href}: ${reasonOf(error)}`)
        }
        awaySince ??= now()
        begun()
      })
      const away = awaySince === undefined ? 0 : now() - awaySince
      const pause = Math.min(Math.max(timing.feedFirstPause, away * restShare), timing.feedLongestPause)
      await delay(pause * (0.5 + random() / 2), undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  const followed = follow()
  const patience = delay(timing.feedStart, undefined, { ref: false, signal: closing.signal }).catch(() => undefined)
  return {
    started: Promise.race([beginning, patience]),
    refusal: revoked.refuses,
    isStale: () => now() - freshAt > timing.feedSilence,
    size: () => revoked.size,
    close() {
      closing.abort()
      return followed
    }
  }
}

/** The text of the feed after the entry `lastId`, piece by piece. Throws where it cannot be had, or `over` aborts. */
async function* eventText(
  url: URL,
  { id, secret }: ServiceCredential,
  lastId: string,
  over: AbortSignal
): AsyncGenerator<string, void, undefined> {
  const response = await fetch(url, {
    headers: {
      accept: 'text/event-stream',
      authorization: `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`,
      ...(lastId !== '' && { 'last-event-id': lastId })
    },
    redirect: 'error',
    signal: over
  })
  if (!response.ok || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
    await response.body?.cancel()
    throw new Error(response.ok ? 'it answered with no events' : `it answered ${response.status}`)
  }
  if (response.body === null) throw new Error('it answered with no events')
  const decoder = new TextDecoder()
  // fetch forgets the signal once its own request has been collected; the stream keeps it.
  for await (const chunk of Readable.fromWeb(response.body, { signal: over }))
    yield decoder.decode(chunk, { stream: true })
}

/** Each part of a credential as RFC 6749 §2.3.1 wants it. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

function entryOf(data: string): RevocationTerms {
  const { sid, reason, at, expires_at: expires } = JSON.parse(data) as Record<string, unknown>
  const entry = { sid, reason, at: Date.parse(String(at)), expiresAt: Date.parse(String(expires)) }
  if (!isEntry(entry)) throw new Error('it sent an entry that is none')
  return entry
}

function kidsOf(data: string): readonly string[] {
  const { kids } = JSON.parse(data) as Record<string, unknown>
  if (!Array.isArray(kids) || !kids.every((kid) => typeof kid === 'string'))
    throw new Error('it sent keys that are none')
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
