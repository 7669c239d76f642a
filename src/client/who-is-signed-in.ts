import type { AuthState } from './auth-client.js'

export interface WhoIsSignedIn {
  readonly state: AuthState
  change(next: AuthState): void
  onChange(listener: (state: AuthState) => void): () => void
}

/** The state, and those who want to hear when it becomes another one. */
export function whoIsSignedIn(state: AuthState): WhoIsSignedIn {
  const listeners = new Set<(state: AuthState) => void>()
  return {
    get state() {
      return state
    },
    change(next) {
      if (JSON.stringify(next) === JSON.stringify(state)) return
      state = next
      // Later, so that what a listener throws is not taken for a failure of ours.
      for (const listener of listeners) queueMicrotask(() => listener(next))
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
}
