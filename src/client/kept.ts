import type { AuthStorage } from './auth-client.js'
import type { Browser } from './surroundings.js'

/** What outlives the page or the process: the session's key, and in `body` mode the refresh and the device token. */
export interface Kept {
  /** Undefined where there is none. Rejects where the storage cannot tell. */
  get(name: string): Promise<string | undefined>
  set(name: string, value: string): Promise<void>
  remove(name: string): Promise<void>
}

/** Keeps in `storage`, and in memory what that does not take: whoever can store nothing is no worse off than without. */
export function kept(storage: AuthStorage | undefined, prefix: string): Kept {
  const refused = new Map<string, string>()
  return {
    async get(name) {
      return refused.get(name) ?? (await storage?.get(prefix + name)) ?? undefined
    },
    async set(name, value) {
      refused.set(name, value)
      if (storage === undefined) return
      try {
        await storage.set(prefix + name, value)
        refused.delete(name)
      } catch {
        // It stays in memory.
      }
    },
    async remove(name) {
      refused.delete(name)
      try {
        await storage?.remove(prefix + name)
      } catch {
        // What it holds on to is of no use any more.
      }
    }
  }
}

/** The page's localStorage, which its tabs share. */
export function tabsStorage(browser: Browser | undefined): AuthStorage | undefined {
  const localStorage = browser?.localStorage
  return (
    localStorage && {
      get: (name) => localStorage.getItem(name),
      set: (name, value) => localStorage.setItem(name, value),
      remove: (name) => localStorage.removeItem(name)
    }
  )
}

/** 128 random bits, in hexadecimal. */
export function newKey(): string {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))]
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
