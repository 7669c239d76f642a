import type { AuthState } from './auth-client.js'

export interface AuthStateStore {
  readonly state: AuthState
  set(next: AuthState): void
  onChange(listener: (state: AuthState) => void): () => void
}

/** Holds the state and notifies listeners when it changes. */
export function authStateStore(state: AuthState): AuthStateStore {
  const listeners = new Set<(state: AuthState) => void>()
  return {
    get state() {
      return state
    },
    set(next) {
      if (JSON.stringify(next) === JSON.stringify(state)) return
      state = next
      // In a microtask, so that an error thrown by a listener does not fail the request that caused the change.
      for (const listener of listeners) queueMicrotask(() => listener(next))
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
}
