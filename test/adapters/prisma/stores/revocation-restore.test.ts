import { randomUUID } from 'node:crypto'
import t from 'tap'
import { restoreRevocations } from '../../../../src/adapters/prisma/sql/restore-revocations.js'
import { prismaRevocationLog } from '../../../../src/adapters/prisma/stores/revocation-log.js'
import type { Revocation } from '../../../../src/core/revocation-set.js'
import { newSecret } from '../../../contract/client-store.js'
import { addUser, login, ops } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

const wholeLog = { limit: 200, cursor: undefined }
const contents = (entries: readonly Revocation[]) =>
  entries.map(({ sid, reason, at, expiresAt }) => [sid, reason, at, expiresAt].join()).sort()

onEachDatabase(t, (t, stores, database) => {
  const { sessions, events } = stores
  const log = prismaRevocationLog(database)
  const at = Date.now() - 5000

  /** An entry that the log does not have, as after a failover that lost it; its session is alive. */
  async function lostEnd(rest: Partial<Revocation> = {}): Promise<Revocation & { readonly sid: string }> {
    const { id: sid } = await login(stores, await addUser(stores))
    return { id: 1n, reason: 'revoked_by_user', at, expiresAt: at + 660_000, ...rest, sid }
  }
  const endsOf = async (sessionId: string) => (await events.list({ type: 'session_ended', sessionId }, wholeLog)).items

  t.test('a lost end is written again, its session is deleted, and it has an event', async (t) => {
    const lost = await lostEnd()
    const other = await login(stores, await addUser(stores))
    const session = await sessions.find(lost.sid)
    const restored = await log.restore([lost])
    t.strictSame(contents(restored), contents([lost]), 'with the same reason and times')
    t.same(await log.after((restored[0]?.id ?? 0n) - 1n, []), restored)
    t.equal(await sessions.find(lost.sid), undefined)
    t.match(await endsOf(lost.sid), [{ reason: 'revoked_by_user', userId: session?.userId, actorId: null }])
    t.match(await events.endingOf(lost.sid), { reason: 'revoked_by_user' })
    t.ok(await sessions.find(other.id), 'other sessions live on')

    t.strictSame(await log.restore([lost]), [], 'once')
    t.equal((await endsOf(lost.sid)).length, 1)
  })

  t.test('an end whose session is gone too is written again without an event', async (t) => {
    const lost: Revocation = { id: 1n, sid: randomUUID(), reason: 'logged_out', at, expiresAt: at + 660_000 }
    t.strictSame(contents(await log.restore([lost])), contents([lost]))
    t.strictSame(await endsOf(String(lost.sid)), [])
  })

  t.test('changed roles are announced again and end no session', async (t) => {
    const lost = await lostEnd({ reason: 'roles_changed' })
    t.strictSame(contents(await log.restore([lost])), contents([lost]))
    t.ok(await sessions.find(lost.sid))
    t.strictSame(await endsOf(lost.sid), [])

    const ended = { ...lost, reason: 'logged_out', at: at + 1 } as const
    const again = { ...lost, at: at + 2 }
    t.equal((await log.restore([again, ended])).length, 2)
    t.match(await endsOf(lost.sid), [{ reason: 'logged_out' }])
  })

  t.test('an entry for the sessions of everybody is written again with its event, each once', async (t) => {
    const everybodys = async () => (await events.list({ type: 'everybody_revoked' }, wholeLog)).items.length
    const before = await everybodys()
    const entry = { id: 1n, sid: null, reason: 'revoked_by_admin', expiresAt: at + 660_000 } as const
    const lost = [
      { ...entry, at },
      { ...entry, at: at + 1000 }
    ]
    t.strictSame(contents(await log.restore(lost)), contents(lost))
    t.strictSame(await log.restore(lost), [])
    t.equal(await everybodys(), before + 1)
  })

  t.test('the sessions of everybody that existed then are deleted, and no later ones', async (t) => {
    const old = await login(stores, await addUser(stores))
    const cut = (await sessions.find(old.id))?.createdAt ?? 0
    await sql(database, `UPDATE session SET created_at = created_at + interval '1 hour' WHERE id <> $1::uuid`, old.id)
    const later = await login(stores, await addUser(stores))
    await sql(database, `UPDATE session SET created_at = created_at + interval '1 hour' WHERE id = $1::uuid`, later.id)
    const [entry] = await log.restore([
      { id: 1n, sid: null, reason: 'revoked_by_admin', at: cut, expiresAt: Date.now() + 660_000 }
    ])
    if (entry === undefined) return t.fail('nothing was written')
    await log.endSessionsUntil(entry)
    t.equal(await sessions.find(old.id), undefined)
    t.ok(await sessions.find(later.id))
  })

  t.test(
    "a deleted secret of a client that the failover brought back is deleted again, and the client's other one lives on",
    async (t) => {
      const { clients } = stores
      const [lost, other] = [newSecret(), newSecret()]
      const client = { id: `client_${randomUUID()}`, name: 'reports', scopes: ['a'] }
      await clients.create({ ...client, secret: lost }, ops)
      await clients.addSecret(client.id, other, ops)
      const entry: Revocation = { id: 1n, sid: lost.id, reason: 'secret_deleted', at, expiresAt: at + 660_000 }
      t.strictSame(contents(await log.restore([entry])), contents([entry]))
      t.equal(await clients.authenticate(client.id, lost.hash), undefined)
      t.match(await clients.authenticate(client.id, other.hash), { secretId: other.id })
    }
  )

  t.test('instances that repair at the same time write each entry and each event once', async (t) => {
    const lost = await Promise.all(Array.from({ length: 12 }, () => lostEnd()))
    const restore = restoreRevocations(database, 5)
    const written = await Promise.all(Array.from({ length: 6 }, () => restore(lost)))
    t.strictSame(contents(written.flat()), contents(lost))
    for (const { sid } of lost) t.equal((await endsOf(sid)).length, 1)
    const [{ entries } = { entries: 0 }] = await sql<{ entries: number }>(
      database,
      'SELECT count(*)::int AS entries FROM revocation WHERE sid = ANY ($1::uuid[])',
      lost.map(({ sid }) => sid)
    )
    t.equal(entries, lost.length)
  })
})
