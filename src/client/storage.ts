import type { AuthStorage } from './auth-client.js'
import { AuthError } from './auth-error.js'
import { type Browser, localStorageOf } from './runtime/runtime.js'

/** A text that outlives the page or the process. */
export interface StoredText {
  /** Undefined if there is none. Rejects with `storage_error`, which is temporary, if the storage fails. */
  read(): Promise<string | undefined>
  /** Like `remove`, never rejects. */
  write(text: string): Promise<void>
  remove(): Promise<void>
}

/**
 * The text `name` in `storage`. With `isKept`, memory keeps the text if the storage fails: a token in memory is better
 * than none.
 */
export function storedText(storage: AuthStorage | undefined, name: string, isKept: boolean): StoredText {
  let kept: string | undefined
  return {
    async read() {
      try {
        return kept ?? ((await storage?.get(name)) || undefined)
      } catch (error) {
        throw new AuthError('The storage could not be read', { code: 'storage_error', status: 0 }, error)
      }
    },
    async write(text) {
      kept = isKept ? text : undefined
      try {
        await storage?.set(name, text)
        if (storage) kept = undefined
      } catch {}
    },
    async remove() {
      kept = undefined
      try {
        await storage?.remove(name)
      } catch {
        // The session has ended, so a text that stays behind is worthless.
      }
    }
  }
}

/** The page's localStorage, which all tabs of its origin share. */
export function browserStorage(browser: Browser | undefined): AuthStorage | undefined {
  const storage = localStorageOf(browser)
  return (
    storage && {
      get: (name) => storage.getItem(name),
      set: (name, value) => storage.setItem(name, value),
      remove: (name) => storage.removeItem(name)
    }
  )
}
