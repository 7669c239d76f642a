import type { Browser, Channel, Locks, Runtime, WebStorage } from '../../../src/client/runtime/runtime.js'

/** A runtime for clients whose time passes only when a test advances it. */

interface Timer {
  readonly at: number
  readonly action: () => void
}

export class FakeRuntime implements Runtime {
  time = 1_000_000
  /** The requests so far, oldest first, such as `POST /refresh`. */
  readonly sent: string[] = []
  readonly requests: Request[] = []
  readonly timers = new Set<Timer>()

  /** `service` answers the requests. A request for which it returns undefined is never answered. */
  constructor(
    public service: (request: Request) => Response | Promise<Response> | undefined,
    readonly browser?: Browser
  ) {}

  readonly now = () => this.time
  readonly random = () => 0.5

  readonly schedule = (action: () => void, milliseconds: number) => {
    const timer = { at: this.time + milliseconds, action }
    this.timers.add(timer)
    return () => void this.timers.delete(timer)
  }

  readonly fetch: typeof fetch = (input, init) => {
    const request = new Request(input, init)
    this.requests.push(request)
    this.sent.push(`${request.method} ${new URL(request.url).pathname}`)
    return new Promise((resolve, reject) => {
      request.signal.addEventListener('abort', () => reject(request.signal.reason))
      Promise.resolve(this.service(request)).then((response) => response && resolve(response), reject)
    })
  }

  /** Advances the time. Fires every timer in order, and waits for what follows from it. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.time + milliseconds
    await settled()
    for (let next = this.next(until); next !== undefined; next = this.next(until)) {
      this.timers.delete(next)
      this.time = next.at
      next.action()
      await settled()
    }
    this.time = until
  }

  private next(until: number): Timer | undefined {
    return [...this.timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
  }
}

/** Waits until nothing more happens without the passing of time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
}

export function jsonResponse(status: number, body?: object, headers: Record<string, string> = {}): Response {
  return new Response(body === undefined ? null : JSON.stringify(body), { status, headers })
}

export function problemResponse(
  status: number,
  code: string,
  more: object = {},
  headers?: Record<string, string>
): Response {
  return jsonResponse(status, { code, title: code, status, ...more }, headers)
}

let issued = 0

/** A token response with a new access token. */
export function tokenResponse(more: object = {}): Response {
  issued += 1
  return jsonResponse(200, {
    access_token: `access-${issued}`,
    token_type: 'Bearer',
    expires_in: 600,
    session_id: 's1',
    ...more
  })
}

class MemoryStorage implements WebStorage {
  readonly items = new Map<string, string>()
  getItem(name: string): string | null {
    return this.items.get(name) ?? null
  }
  setItem(name: string, value: string): void {
    this.items.set(name, value)
  }
  removeItem(name: string): void {
    this.items.delete(name)
  }
}

/** A browser whose tabs share locks, storage and channels. */
export function fakeBrowser({ withLocks = true, withChannel = true, withStorage = true } = {}) {
  const channels = new Set<Channel>()
  let turn: Promise<unknown> = Promise.resolve()
  const locks: Locks = {
    request(_name, { signal }, action) {
      const mine = turn.then(() => {
        signal.throwIfAborted()
        return action()
      })
      turn = mine.catch(() => {})
      const givenUp = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      return Promise.race([mine, givenUp])
    }
  }
  class FakeChannel implements Channel {
    onmessage: Channel['onmessage'] = null
    constructor(readonly name: string) {
      channels.add(this)
    }
    postMessage(data: unknown): void {
      if (!channels.has(this)) throw new DOMException('The channel is closed', 'InvalidStateError')
      for (const other of channels) {
        const receives = other !== this && (other as FakeChannel).name === this.name
        if (receives) setImmediate(() => other.onmessage?.({ data: structuredClone(data) }))
      }
    }
    close(): void {
      channels.delete(this)
    }
  }
  return {
    location: { href: 'https://app.test/page' },
    navigator: withLocks ? { locks } : {},
    localStorage: withStorage ? new MemoryStorage() : undefined,
    BroadcastChannel: withChannel ? FakeChannel : undefined
  } satisfies Browser
}

/** The channel of another tab of https://auth.test in `browser`. */
export function openChannel({ BroadcastChannel }: Browser): Channel | undefined {
  return BroadcastChannel && new BroadcastChannel('latchkey.auth.test_')
}
