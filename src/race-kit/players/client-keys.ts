import { randomUUID } from 'node:crypto'
import { type ClientKind, clientKinds } from '../plan/kinds.js'

/** The `Idempotency-Key`s of one client. */
export interface ClientKeys {
  /** The key of a new refresh from this origin, for all its attempts; undefined sends none. */
  next(origin: 0 | 1): string | undefined
  /** What a thief finds in the storage of the first origin: the key, or that of the last refresh. */
  stored(): string | undefined
}

export function clientKeys(kind: ClientKind): ClientKeys {
  const { keys } = clientKinds[kind]
  const ofOrigin = [randomUUID(), randomUUID()] as const
  let stored: string | undefined = keys === 'none' ? undefined : ofOrigin[0]
  return {
    next(origin) {
      if (keys === 'per_refresh') stored = randomUUID()
      return keys === 'two' ? ofOrigin[origin] : stored
    },
    stored: () => stored
  }
}
