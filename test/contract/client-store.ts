import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { Client } from '../../src/ports/clients.js'
import { digest, eventsOf, ops, policy, type Stores } from './stores.js'

const newSecret = () => {
  const id = randomUUID()
  return { id, hash: digest(id), hint: id.slice(-4) }
}

/** The promises of every `ClientStore`. */
export function testClients(t: Test, stores: Stores): void {
  const { clients } = stores

  async function addClient(scopes = ['reports:read']) {
    const secret = newSecret()
    const client = await clients.create({ id: `client_${randomUUID()}`, name: 'reports', scopes, secret }, ops)
    return { client, secret }
  }

  async function find(id: string): Promise<Client | undefined> {
    return (await clients.list({ limit: 200 })).items.find((client) => client.id === id)
  }

  t.test('a client has its first secret, and the right secret alone authenticates it', async (t) => {
    const { client, secret } = await addClient(['a', 'b'])
    t.match(client, {
      name: 'reports',
      scopes: ['a', 'b'],
      secrets: [{ id: secret.id, hint: secret.hint, lastUsedAt: null }]
    })
    const authenticated = await clients.authenticate(client.id, secret.hash)
    t.match(authenticated, { clientId: client.id, secretId: secret.id, scopes: ['a', 'b'], now: Number })
    const other = await addClient()
    t.equal(await clients.authenticate(client.id, other.secret.hash), undefined)
    t.equal(await clients.authenticate(client.id.slice(7), secret.hash), undefined, 'an id without its prefix')
    t.equal(await clients.authenticate('nonsense', secret.hash), undefined)
  })

  t.test('the list is newest first and goes on after its cursor', async (t) => {
    const [first, second] = [await addClient(), await addClient()]
    const page = await clients.list({ limit: 1 })
    t.match(page.items, [{ id: second.client.id, secrets: [{ id: second.secret.id }] }])
    const next = await clients.list({ limit: 1, cursor: page.nextCursor ?? '' })
    t.match(next.items, [{ id: first.client.id, secrets: [{ id: first.secret.id }] }])
    await t.rejects(clients.list({ limit: 1, cursor: 'x' }), { name: 'InvalidCursor' })
  })

  t.test('of ten secrets that are added at once, one is added', async (t) => {
    const { client } = await addClient()
    const added = await Promise.all(Array.from({ length: 10 }, () => clients.addSecret(client.id, newSecret(), ops)))
    t.equal(added.filter((result) => result === 'too_many_secrets').length, 9)
    t.equal((await find(client.id))?.secrets.length, 2)
    t.equal(await clients.addSecret(`client_${randomUUID()}`, newSecret(), ops), undefined)
  })

  t.test('deleting a secret writes its revocation, and spares the other secret', async (t) => {
    const { client, secret } = await addClient()
    const second = newSecret()
    await clients.addSecret(client.id, second, ops)
    const revocation = await clients.deleteSecret(client.id, secret.id, ops)
    t.match(revocation, { sid: secret.id, reason: 'secret_deleted' })
    const life = (revocation?.expiresAt ?? 0) - (revocation?.at ?? 0)
    t.ok(life >= (policy.accessTokenTtlSeconds + 60) * 1000, 'it outlives every token')
    t.equal(await clients.authenticate(client.id, secret.hash), undefined)
    t.ok(await clients.authenticate(client.id, second.hash))
    t.equal(await clients.deleteSecret(client.id, secret.id, ops), undefined)
    const [event] = await eventsOf(stores, { sessionId: secret.id, type: 'client_secret_deleted' })
    t.match(event, { clientId: client.id, note: secret.hint, actorId: ops.userId, ip: ops.ip })
  })

  t.test('a secret of another client is not deleted', async (t) => {
    const [one, other] = [await addClient(), await addClient()]
    t.equal(await clients.deleteSecret(one.client.id, other.secret.id, ops), undefined)
    t.ok(await clients.authenticate(other.client.id, other.secret.hash))
  })

  t.test('deleting a client writes a revocation for each of its secrets', async (t) => {
    const { client, secret } = await addClient()
    const second = newSecret()
    await clients.addSecret(client.id, second, ops)
    const revocations = (await clients.delete(client.id, ops)) ?? []
    t.strictSame(revocations.map(({ sid }) => sid).sort(), [secret.id, second.id].sort())
    t.equal(await clients.delete(client.id, ops), undefined)
    t.equal(await find(client.id), undefined)
  })

  t.test('a secret that is added while the client is deleted is revoked, or was never added', async (t) => {
    for (let round = 0; round < Math.min(stores.rounds, 50); round++) {
      const { client } = await addClient()
      const secret = newSecret()
      const [added, revocations = []] = await Promise.all([
        clients.addSecret(client.id, secret, ops),
        clients.delete(client.id, ops)
      ])
      const isRevoked = revocations.some(({ sid }) => sid === secret.id)
      if (isRevoked !== (added !== undefined)) t.fail(`round ${round}`)
      if ((await clients.authenticate(client.id, secret.hash)) !== undefined) t.fail(`round ${round} is alive`)
    }
  })

  t.test('the use of a secret is written at most once an hour', async (t) => {
    const { client, secret } = await addClient()
    const lastUse = async () => (await find(client.id))?.secrets[0]?.lastUsedAt ?? Number.NaN
    await clients.authenticate(client.id, secret.hash)
    const first = await lastUse()
    t.ok(first > 0)
    await stores.age(3000)
    await clients.authenticate(client.id, secret.hash)
    t.equal(await lastUse(), first - 3_000_000)
    await stores.age(700)
    await clients.authenticate(client.id, secret.hash)
    t.ok((await lastUse()) >= first)
  })
}
