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
  /** What the tabs of a browser share; undefined outside a page. */
  readonly browser?: Browser | undefined
}

/** Each part may be missing: in an old browser, on an insecure address, in private windows. */
export interface Browser {
  /** The page's URL. */
  readonly address: string
  readonly locks?: Locks | undefined
  readonly localStorage?: WebStorage | undefined
  openChannel?(name: string): Channel
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
  browser: thisBrowser()
}

/** Only a page has a document. Servers have some of these parts too, but their users must share nothing. */
function thisBrowser(): Browser | undefined {
  const page = globalThis as unknown as Page
  if (page.document === undefined) return undefined
  const { BroadcastChannel, navigator, location } = page
  return {
    address: location.href,
    locks: navigator.locks,
    localStorage: localStorageOf(page),
    ...(BroadcastChannel && { openChannel: (name: string) => new BroadcastChannel(name) })
  }
}

interface Page {
  readonly document?: unknown
  readonly location: { readonly href: string }
  readonly navigator: { readonly locks?: Locks }
  readonly localStorage: WebStorage
  readonly BroadcastChannel?: new (name: string) => Channel
}

/** If the browser forbids the page to store anything, even reading the property throws. */
function localStorageOf(page: Page): WebStorage | undefined {
  try {
    return page.localStorage
  } catch {
    return undefined
  }
}
