/** What the client needs of the place where it runs: what tests put others in place of. */
export interface Surroundings {
  readonly fetch: typeof globalThis.fetch
  /** Milliseconds since the epoch. */
  now(): number
  /** At least 0, less than 1. */
  random(): number
  /**
   * Runs `action` after so many milliseconds, unless what it gives is called before. A process that has
   * nothing else to do does not stay for one that is `idle`.
   */
  schedule(action: () => void, milliseconds: number, idle?: 'idle'): () => void
  /** Only where there is one: what its tabs share. */
  readonly browser?: Browser | undefined
}

/** Each part may be missing: in an old browser, on an insecure address, in private windows. */
export interface Browser {
  /** Where the page is. */
  readonly address: string
  readonly locks?: Locks | undefined
  readonly localStorage?: WebStorage | undefined
  openChannel?(name: string): Channel
}

/** Of Web Locks (`navigator.locks`). */
export interface Locks {
  request<T>(name: string, options: { readonly signal: AbortSignal }, action: () => Promise<T>): Promise<T>
}

/** Of Web Storage (`localStorage`). */
export interface WebStorage {
  getItem(name: string): string | null
  setItem(name: string, value: string): void
  removeItem(name: string): void
}

/** Of `BroadcastChannel`. */
export interface Channel {
  onmessage: ((event: { readonly data: unknown }) => void) | null
  postMessage(message: unknown): void
  close(): void
}

/** The longest that setTimeout can wait; what is later would run at once. */
const longestTimeout = 2 ** 31 - 1

export const systemSurroundings: Surroundings = {
  fetch: (...args) => fetch(...args),
  now: () => Date.now(),
  random: () => Math.random(),
  schedule(action, milliseconds, idle) {
    // In browsers a number, in Node an object.
    const timer: unknown = setTimeout(action, Math.min(milliseconds, longestTimeout))
    if (idle) (timer as { unref?(): void }).unref?.()
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>)
  },
  browser: thisBrowser()
}

/** Told by its document: servers have some of these parts too, but whoever they serve must share nothing. */
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

/** Where a page may not store anything, even to ask for it throws. */
function localStorageOf(page: Page): WebStorage | undefined {
  try {
    return page.localStorage
  } catch {
    return undefined
  }
}
