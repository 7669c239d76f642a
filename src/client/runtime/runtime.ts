/** What the client needs from its runtime; tests replace it. */
export interface Runtime {
  readonly fetch: typeof globalThis.fetch
  /** Milliseconds since the epoch. */
  now(): number
  /** At least 0, less than 1. */
  random(): number
  /**
   * Runs `action` after so many milliseconds, and returns a function that cancels it. An `idle` timer does not keep
   * a Node process alive.
   */
  schedule(action: () => void, milliseconds: number, idle?: 'idle'): () => void
  /** Undefined outside a page. */
  readonly browser?: Browser | undefined
}

/**
 * The globals of a page. Each may be missing or throw when it is read or used: in an old browser, on an insecure
 * address, in a frame, or if the user blocks the data of sites.
 */
export interface Browser {
  readonly location?: { readonly href: string } | undefined
  readonly navigator?: { readonly locks?: Locks | undefined } | undefined
  readonly localStorage?: WebStorage | null | undefined
  readonly BroadcastChannel?: (new (name: string) => Channel) | undefined
}

/** The part of Web Locks (`navigator.locks`) that the client uses. */
export interface Locks {
  request<T>(name: string, options: { readonly signal: AbortSignal }, action: () => Promise<T>): Promise<T>
}

/** The part of Web Storage (`localStorage`) that the client uses. */
export interface WebStorage {
  getItem(name: string): string | null
  setItem(name: string, value: string): void
  removeItem(name: string): void
}

/** The part of `BroadcastChannel` that the client uses. */
export interface Channel {
  onmessage: ((event: { readonly data: unknown }) => void) | null
  postMessage(message: unknown): void
  close(): void
}

/** The longest delay of setTimeout; with a longer one it would fire at once. */
const maxTimeout = 2 ** 31 - 1

export const systemRuntime: Runtime = {
  fetch: (...args) => fetch(...args),
  now: () => Date.now(),
  random: () => Math.random(),
  schedule(action, milliseconds, idle) {
    // A number in browsers, an object in Node.
    const timer: unknown = setTimeout(action, Math.min(milliseconds, maxTimeout))
    if (idle) (timer as { unref?(): void }).unref?.()
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>)
  },
  // Only a page has a document. Servers have some of these globals too, but their users must share nothing.
  browser: (globalThis as { document?: unknown }).document ? (globalThis as unknown as Browser) : undefined
}

export function pause({ schedule }: Pick<Runtime, 'schedule'>, milliseconds: number): Promise<void> {
  return new Promise((resolve) => schedule(resolve, milliseconds))
}

/** What `action` returns; undefined if it throws. */
export function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {}
  return undefined
}

/** The page's localStorage, which all tabs of its origin share. Undefined if it is missing or cannot be read. */
export function localStorageOf(browser: Browser | undefined): WebStorage | undefined {
  return attempt(() => {
    const storage = browser?.localStorage ?? undefined
    storage?.getItem('latchkey')
    return storage
  })
}
