import type { Browser, Channel, Runtime, WebStorage } from '../../../src/client/runtime.js'

/** A place for clients to run in, whose time passes only when a test says so. */

interface Timer {
  readonly at: number
  readonly action: () => void
}

export class Place implements Runtime {
  time = 1_000_000
  /** What the clients have sent, oldest first, as `POST /refresh`. */
  readonly sent: string[] = []
  readonly requests: Request[] = []
  readonly timers = new Set<Timer>()

  /** `answer` is the service; what it gives undefined for is never answered. */
  constructor(
    public answer: (request: Request) => Response | Promise<Response> | undefined,
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
      Promise.resolve(this.answer(request)).then((response) => response && resolve(response), reject)
    })
  }

  /** Lets so many milliseconds pass: every timer goes off in its turn, and all that follows from it happens. */
  async pass(milliseconds: number): Promise<void> {
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

/** All that can happen without waiting has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
}

export function answer(status: number, body?: object, headers: Record<string, string> = {}): Response {
  return new Response(body === undefined ? null : JSON.stringify(body), { status, headers })
}

export function problem(status: number, code: string, more: object = {}, headers?: Record<string, string>): Response {
  return answer(status, { code, title: code, status, ...more }, headers)
}

let issued = 0

/** A token response; every access token is another one. */
export function tokens(more: object = {}): Response {
  issued += 1
  return answer(200, {
    access_token: `access-${issued}`,
    token_type: 'Bearer',
    expires_in: 600,
    session_id: 's1',
    ...more
  })
}

export class MemoryStorage implements WebStorage {
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

/** A browser whose pages share what a browser's pages share. */
export function fakeBrowser({ withLocks = true, withChannel = true, withStorage = true } = {}): Browser & {
  readonly localStorage: MemoryStorage | undefined
} {
  const channels = new Set<Channel>()
  let turn: Promise<unknown> = Promise.resolve()
  const localStorage = withStorage ? new MemoryStorage() : undefined
  return {
    address: 'https://app.test/page',
    localStorage,
    ...(withLocks && {
      locks: {
        request(_name, { signal }, action) {
          const mine = turn.then(() => {
            signal.throwIfAborted()
            return action()
          })
          turn = mine.catch(() => {})
          const givenUp = new Promise<never>((_, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason))
          )
          return Promise.race([mine, givenUp])
        }
      }
    }),
    ...(withChannel && {
      openChannel() {
        const channel: Channel = {
          onmessage: null,
          postMessage(data) {
            for (const other of channels)
              if (other !== channel) setImmediate(() => other.onmessage?.({ data: structuredClone(data) }))
          },
          close: () => void channels.delete(channel)
        }
        channels.add(channel)
        return channel
      }
    })
  }
}
