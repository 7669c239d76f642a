import type { AuthState } from './auth-client.js'

/** Holds the state and notifies listeners when it changes. */
export function authStateStore(state: AuthState) {
  const listeners = new Set<(state: AuthState) => void>()
  return {
    get state() {
      return state
    },
    set(next: AuthState): void {
      if (JSON.stringify(next) === JSON.stringify(state)) return
      state = next
      // In a microtask, so that an error thrown by a listener does not fail the request that caused the change.
      for (const listener of listeners) queueMicrotask(() => listener(next))
    },
    onChange(listener: (state: AuthState) => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
}
