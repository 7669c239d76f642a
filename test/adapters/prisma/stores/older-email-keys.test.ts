import { randomUUID } from 'node:crypto'
import t from 'tap'
import { addUser, emailOf } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

/** Releases before 0.2 stored the domain of an e-mail key as it was typed, in lower case and with ß as ss. */
onEachDatabase(t, (t, { users, ...stores }, database) => {
  const olderUser = async (email: string) => {
    const user = await addUser({ users, ...stores }, { email })
    await sql(database, 'UPDATE "user" SET email_key = $2 WHERE id = $1::uuid', user.id, emailOf(email).olderKey)
    return user
  }
  const idOf = async (email: string) => (await users.findByEmail(emailOf(email)))?.id
  const listed = async (emailPrefix: string) =>
    (await users.list({ emailPrefix }, { limit: 5 })).items.map((user) => user.id)
  const register = (email: string) =>
    users.create({ id: randomUUID(), email: emailOf(email), passwordHash: 'h', roles: [] }, {})

  t.test(
    'an account of an older release is found by every spelling, and no spelling can be registered again',
    async (t) => {
      const { id } = await olderUser('ann@bücher.example')
      for (const domain of ['bücher.example', 'BÜCHER.example', 'xn--bcher-kva.example', 'XN--BCHER-KVA.example']) {
        t.equal(await idOf(`Ann@${domain}`), id, domain)
        t.strictSame(await listed(`ANN@${domain}`), [id], `${domain} in a listing`)
        t.equal(await register(`ann@${domain}`), 'email_taken', domain)
      }
    }
  )

  t.test('an account stored with ss for ß is found, and new accounts of the two domains are separate', async (t) => {
    const { id } = await olderUser('ann@faß.example')
    t.equal(await idOf('ann@faß.example'), id)
    t.equal(await idOf('ann@xn--fa-hia.example'), id)
    t.equal(await idOf('ann@fass.example'), id, 'as before: the two shared one key')
    for (const domain of ['faß', 'xn--fa-hia', 'fass']) {
      t.strictSame(await listed(`ann@${domain}.example`), [id], `${domain} in a listing`)
    }
    t.equal(await register('ann@fass.example'), 'email_taken')
    const { id: other } = await addUser({ users, ...stores }, { email: 'bob@fass.example' })
    t.equal(await idOf('bob@faß.example'), undefined)
    t.equal(await idOf('bob@fass.example'), other)
  })

  t.test('if both spellings have an account, each spelling finds its own', async (t) => {
    const { id: unicode } = await olderUser('eve@bücher.example')
    const ascii = randomUUID()
    const insert = `INSERT INTO "user" (id, email, email_key, password_hash) VALUES ($1::uuid, $2, $2, 'h')`
    await sql(database, insert, ascii, 'eve@xn--bcher-kva.example')
    t.equal(await idOf('eve@bücher.example'), unicode)
    t.equal(await idOf('EVE@BÜCHER.example'), unicode)
    t.equal(await idOf('eve@xn--bcher-kva.example'), ascii)
    t.equal(await register('eve@bücher。example'), 'email_taken')
  })
})
