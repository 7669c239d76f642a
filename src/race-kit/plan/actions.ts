import type { Delivery } from './deliveries.js'

/** What the thief does, at the instance with this number. */
export type ThiefAction = { readonly instance: number } & (
  | { readonly do: 'steal'; readonly back: number }
  /** Refreshes with its newest token, or the token `back` generations before it; `twice` repeats that at once. */
  | { readonly do: 'use_stolen'; readonly back: number; readonly twice: boolean }
  /** Reads the list of sessions, and refreshes if the session has changed there. */
  | { readonly do: 'poll' }
)

/** One action of a client or a thief, at the instance with this number. */
export type Action =
  | ({ readonly instance: number } & (
      | {
          /** A client repeats a refresh until it is answered, or tries it only once. */
          readonly do: 'refresh' | 'refresh_once'
          readonly origin: 0 | 1
          readonly attempts: readonly Delivery[]
        }
      | { readonly do: 'end'; readonly by: 'itself' | 'another_device' }
    ))
  | ThiefAction

/** An action, `at` milliseconds after the start. */
export type Step = Action & { readonly at: number }
