import { passwordHasher } from '../../../src/adapters/passwords/password-hasher.js'
import { passwordQueue } from '../../../src/adapters/passwords/password-queue.js'
import type { Bench, Row } from '../bench.js'
import { newEmail, password, repeating, sending } from '../clients.js'
import { latchkeyToken, limitToken, type Seeded } from '../database.js'
import type { Contender } from '../measure.js'
import { peerLogins, peerRegistrations } from './peers.js'

const bcryptCost = 10
/** So many that a login seldom has to end the oldest session of its user. */
const userCount = 2000
/** More than are ended in a round of a second. */
const stockSize = 12_000

/** The start and the end of sessions. */
export const signInRows: readonly Row[] = [
  {
    title: 'POST /login',
    maxConnections: 64,
    async contenders(bench) {
      const users = await bench.database.seedSessions(userCount, await hashedPassword())
      let next = 0
      const login = sending(() => {
        const email = users[next++ % users.length]?.email
        return { method: 'POST', path: '/login', body: JSON.stringify({ email, password, mode: 'body' }) }
      })
      return [
        await bcryptAlone(bench, '/login'),
        { name: 'Latchkey', servers: [await bench.latchkey({ bcryptCost })], clients: bench.repeated(() => login) },
        ...(await peerLogins(bench))
      ]
    }
  },
  {
    title: 'POST /register',
    maxConnections: 64,
    async contenders(bench) {
      const register = sending(() => ({
        method: 'POST',
        path: '/register',
        body: JSON.stringify({ email: newEmail(), password, mode: 'body' })
      }))
      return [
        await bcryptAlone(bench, '/register'),
        { name: 'Latchkey', servers: [await bench.latchkey({ bcryptCost })], clients: bench.repeated(() => register) },
        ...(await peerRegistrations(bench))
      ]
    }
  },
  {
    title: 'POST /logout',
    contenders: async (bench) => [
      { name: 'limit: prepared DELETE', servers: [await bench.limit()], ...loggingOut(bench, limitToken) },
      { name: 'Latchkey', servers: [await bench.latchkey()], ...loggingOut(bench, latchkeyToken) }
    ]
  }
]

async function bcryptAlone(bench: Bench, path: string): Promise<Contender> {
  const clients = bench.repeated(() => repeating({ method: 'POST', path, body: '{}' }))
  return { name: 'limit: bcrypt alone', servers: [await bench.limit()], clients }
}

function hashedPassword(): Promise<string> {
  const hasher = passwordHasher({ cost: bcryptCost, queue: passwordQueue() })
  return hasher.hash(password, { network: '', knownDevice: false })
}

/** The clients of a contender. Each request ends the next session of a stock that is filled before each round. */
export function loggingOut(bench: Bench, tokenOf: (session: Seeded) => string) {
  const stock: string[] = []
  const logout = sending(() => {
    const token = stock.pop()
    if (token === undefined) throw new Error('All sessions have ended: use fewer seconds.')
    return { method: 'POST', path: '/logout', body: JSON.stringify({ refresh_token: token }) }
  })
  return {
    clients: bench.repeated(() => logout),
    async prepare() {
      stock.push(...(await bench.database.seedSessions(stockSize - stock.length)).map(tokenOf))
    }
  }
}
