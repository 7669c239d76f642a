import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Database } from '../../../../../src/adapters/prisma/database.js'
import { purgeExpired } from '../../../../../src/adapters/prisma/sql/purge/purge.js'
import type { NewLink } from '../../../../../src/ports/mail.js'
import type { NewUser } from '../../../../../src/ports/user-store.js'
import { addUser, digest, emailOf, ops } from '../../../../contract/stores.js'
import { storesOver } from '../../../../support/adapters/stores.js'
import { onServer, openTestDatabase, serverUrl, sql } from '../../../../support/database.js'
import { until } from '../../../../support/faults/crowd.js'

const onlyWithServer = serverUrl === undefined ? { skip: 'TEST_DATABASE_URL is not set' } : {}

t.test('races of registrations with what another instance does', onlyWithServer, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server' })
  const stores = storesOver(database)
  const { users, links } = stores
  const [row] = await sql<{ schema: string }>(database, 'SELECT current_schema()::text AS schema')

  const newUser = (address: string): NewUser => {
    const id = randomUUID()
    return { id, email: emailOf(address), passwordHash: digest(id), roles: [] }
  }
  const linkTo = (userId: string, purpose: NewLink['purpose'], address: string): NewLink => {
    return { id: randomUUID(), purpose, userId, address, tokenHash: digest(randomUUID()), mailed: true }
  }
  const register = (user: NewUser) => {
    const link = linkTo(user.id, 'email_verification', user.email.address)
    const confirm = () => ({ link, event: { type: 'user_registered', userId: user.id } }) as const
    return users.registerUnconfirmed(user, { earlier: undefined, confirm }, {})
  }

  t.test(
    'an address that is kept by a change under way is taken, also if it became free before the commit',
    async (t) => {
      const takers: Readonly<Record<string, (address: string) => Promise<unknown>>> = {
        create: (address) => users.create(newUser(address), ops),
        createWithLink: (address) => {
          const link = linkTo(randomUUID(), 'email_verification', address)
          return users.createWithLink(newUser(address), { link, event: { type: 'email_verification_requested' } }, ops)
        },
        registerUnconfirmed: (address) => register(newUser(address)),
        changeEmail: async (address) => {
          const user = await addUser(stores)
          const made = linkTo(user.id, 'email_change', address)
          await links.create({ link: made, event: { type: 'email_change_requested' } }, {})
          const link = await links.find(made, ['email_change'])
          if (link === undefined) throw new Error('the link is dead')
          const undo = linkTo(user.id, 'email_undo', user.email)
          return users.changeEmail({ link, email: emailOf(address), follow: () => ({ undo, mails: [] }) }, ops)
        }
      }
      for (const [name, take] of Object.entries(takers)) {
        const mover = await addUser(stores)
        await onServer(async (other) => {
          await other.query(`SET search_path = ${row?.schema}`)
          await other.query('BEGIN')
          await other.query('UPDATE "user" SET email = $1, email_key = $1 WHERE id = $2', [
            `${randomUUID()}@x.org`,
            mover.id
          ])
          await other.query(
            `INSERT INTO one_time_link (id, purpose, user_id, address, token_hash, mailed, life_seconds, expires_at, reserved_email_key)
           VALUES (gen_random_uuid(), 'email_undo', $1, $2, 'x', true, 60, now() + interval '1 hour', $2)`,
            [mover.id, mover.email]
          )
          const taking = take(mover.email)
          await until(async () => {
            const waits = 'SELECT 1 FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid'
            return (await other.query(waits)).rowCount === 1
          })
          await other.query('COMMIT')
          t.equal(await taking, name === 'registerUnconfirmed' ? 'changed' : 'email_taken', name)
        })
        t.equal(await users.findByEmail(emailOf(mover.email)), undefined)
        t.equal(await users.findRegistration(emailOf(mover.email)), undefined)
      }
    }
  )

  t.test('the purge keeps an account that was registered again just before its row was locked', async (t) => {
    const [again, forgotten] = [newUser('again@example.org'), newUser('forgotten@example.org')]
    for (const user of [again, forgotten]) await register(user)
    await sql(database, `UPDATE registration SET expires_at = now()`)

    // The second statement of the transaction sees what the first one did not.
    const purging: Database = {
      ...database,
      run: (operation) =>
        database.run((prisma, ask) => {
          let statements = 0
          const counting = <Client extends object>(client: Client): Client =>
            new Proxy(client, {
              get(target, name) {
                const member: unknown = Reflect.get(target, name)
                if (typeof member !== 'function') return member
                if (name === '$transaction') {
                  return (work: unknown) =>
                    member.call(target, typeof work === 'function' ? (inner: Client) => work(counting(inner)) : work)
                }
                if (name !== '$queryRaw') return member.bind(target)
                return async (...statement: unknown[]) => {
                  const renewed = `UPDATE registration SET expires_at = now() + interval '1 day' WHERE email_key = $1`
                  statements += 1
                  if (statements === 2) await sql(database, renewed, again.email.key)
                  return member.call(target, ...statement)
                }
              }
            })
          return operation(counting(prisma), ask)
        })
    }
    await purgeExpired(purging, { batch: 100, eventRetentionSeconds: 60 })
    t.ok(await users.find(again.id))
    t.ok(await users.findRegistration(again.email))
    t.equal(await users.find(forgotten.id), undefined)
    t.equal(await users.findRegistration(forgotten.email), undefined)
  })
})
