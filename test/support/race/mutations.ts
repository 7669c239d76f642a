import { randomUUID } from 'node:crypto'
import type { Ports } from '../../../src/ports/index.js'
import type { LiveSession, SessionStore } from '../../../src/ports/sessions.js'
import type { PromiseName } from '../../../src/race-kit/index.js'
import type { Mutation } from './racing-service.js'

/** A broken protocol, and the promise that the race kit must report. */
export interface BrokenProtocol {
  readonly name: string
  readonly breaks: PromiseName
  readonly mutate: Mutation
}

/** Each replaces one port by a broken one; docs/reliability.md lists them. */
export const brokenProtocols: readonly BrokenProtocol[] = [
  {
    name: 'a token two generations old is answered',
    breaks: 'divergence_caught',
    mutate: withSessions((sessions) => ({
      async rotate(attempt) {
        const rotated = await sessions.rotate(attempt)
        if (rotated !== undefined) return rotated
        const row = await sessions.find(attempt.sid)
        return row?.generation === attempt.generation + 2 ? row : undefined
      }
    }))
  },
  {
    name: 'a session rotates again inside the window',
    breaks: 'once_in_a_window',
    mutate: withSessions((sessions) => ({
      async rotate(attempt) {
        const rotated = await sessions.rotate(attempt)
        if (rotated !== undefined) return rotated
        const row = await sessions.find(attempt.sid)
        if (row?.generation !== attempt.generation) return undefined
        const generation = row.generation + 1
        const moved = await sessions.advance(row, { kind: 'renew', generation, retryKeyHash: attempt.retryKeyHash }, {})
        return moved ? { ...row, generation } : undefined
      }
    }))
  },
  {
    name: 'a rotation adds a row in place of moving the one there is',
    breaks: 'one_chain',
    mutate: (ports) => ({ ...ports, sessions: { ...ports.sessions, rotate: insertingRotate(ports) } })
  },
  {
    name: 'the end of a session is not announced',
    breaks: 'stays_ended',
    mutate: (ports) => ({ ...ports, revocations: { ...ports.revocations, announce: async () => {} } })
  },
  {
    name: 'the end of a session leaves its row',
    breaks: 'stays_ended',
    mutate: withSessions((sessions) => ({
      async end({ sid }, reason) {
        const row = await sessions.find(sid)
        return row && { id: 0n, sid, userId: row.userId, reason, at: row.now, expiresAt: row.now + 600_000 }
      }
    }))
  },
  {
    name: 'the generation before is reuse at once',
    breaks: 'honest_goes_on',
    mutate: withFound((row, { generation }) =>
      generation < row.generation
        ? { ...row, rotatedAt: 0, retryKeyHash: null, recoveredGeneration: row.generation }
        : row
    )
  },
  {
    name: 'inside the window, the previous token gets a newer one whatever its key',
    breaks: 'key_counts',
    mutate: withFound((row, { generation, retryKeyHash }, isInside) =>
      generation === row.generation - 1 && isInside ? { ...row, keyUsed: false, retryKeyHash } : row
    )
  },
  {
    name: 'a session forgets that it has used a key',
    breaks: 'key_counts',
    mutate: withFound((row) => ({ ...row, keyUsed: row.retryKeyHash !== null }))
  },
  {
    name: 'an answer that writes nothing takes over the key of its request',
    breaks: 'key_counts',
    mutate: (ports) => {
      const taken = new Map<string, { readonly generation: number; readonly retryKeyHash: string }>()
      return withFound((row, { retryKeyHash }, isInside) => {
        const before = taken.get(row.id)
        if (retryKeyHash !== null && isInside) taken.set(row.id, { generation: row.generation, retryKeyHash })
        return before?.generation === row.generation ? { ...row, retryKeyHash: before.retryKeyHash } : row
      })(ports)
    }
  },
  {
    name: 'a late refresh with the key leaves no event',
    breaks: 'late_leaves_event',
    mutate: (ports) => ({
      ...ports,
      events: {
        ...ports.events,
        async list(filter, page) {
          const { items, nextCursor } = await ports.events.list(filter, page)
          return { items: items.filter(({ reason }) => reason !== 'idempotency_key'), nextCursor }
        }
      }
    })
  },
  {
    name: 'every generation before is forgiven, each time',
    breaks: 'divergence_caught',
    mutate: (ports) => ({ ...ports, policy: { ...ports.policy, recoveryGenerations: 1 } })
  },
  {
    name: 'a refresh that is too much for the store is answered 500',
    breaks: 'announced_only',
    mutate: withSessions((sessions) => {
      let calls = 0
      return {
        async rotate(attempt) {
          calls += 1
          if (calls % 20 === 0) throw new Error('too much')
          return sessions.rotate(attempt)
        }
      }
    })
  }
]

function withSessions(change: (sessions: SessionStore, ports: Ports) => Partial<SessionStore>): Mutation {
  return (ports) => ({ ...ports, sessions: { ...ports.sessions, ...change(ports.sessions, ports) } })
}

/** Changes the row that is read after the statement of a refresh has found none. */
function withFound(
  change: (row: LiveSession, attempt: Parameters<SessionStore['rotate']>[0], isInside: boolean) => LiveSession
): Mutation {
  return withSessions((sessions, { policy }) => {
    const attempts = new Map<string, Parameters<SessionStore['rotate']>[0]>()
    return {
      async rotate(attempt) {
        attempts.set(attempt.sid, attempt)
        return sessions.rotate(attempt)
      },
      async find(sid) {
        const [row, attempt] = [await sessions.find(sid), attempts.get(sid)]
        if (row === undefined || attempt === undefined) return row
        const isInside = row.rotatedAt !== null && row.now - row.rotatedAt < policy.graceSeconds * 1000
        return change(row, attempt, isInside)
      }
    }
  })
}

function insertingRotate({ sessions, users, policy }: Ports): SessionStore['rotate'] {
  return async ({ sid, generation, secretHash }) => {
    const row = await sessions.find(sid)
    const user = row && (await users.find(row.userId))
    if (row?.generation !== generation || row.secretHash !== secretHash || user === undefined) return undefined
    const ttl = { idleTtlSeconds: policy.refreshIdleTtlSeconds, absoluteTtlSeconds: policy.refreshAbsoluteTtlSeconds }
    const conditions = { passwordHash: user.passwordHash, maxPerUser: policy.maxSessionsPerUser }
    const created = await sessions.create({ ...row, ...ttl, id: randomUUID() }, conditions, {})
    return created === 'user_changed' ? undefined : created.session
  }
}
