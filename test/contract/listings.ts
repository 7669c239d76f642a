import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { InvalidCursor } from '../../src/ports/errors.js'
import type { Page, PageRequest } from '../../src/ports/paging.js'
import { addUser, login, type Stores } from './stores.js'

/** The promises of every store about its listings. */
export function testListings(t: Test, stores: Stores): void {
  const { sessions, users, events } = stores

  t.test('listOfUser returns the live sessions of that user only, newest first', async (t) => {
    const user = await addUser(stores)
    await login(stores, await addUser(stores))
    const older = await login(stores, user, { device: 'Phone' })
    await stores.age(1)
    const brief = await login(stores, user, { idleTtlSeconds: 20 })
    await stores.age(1)
    const newer = await login(stores, user)
    const ids = async () => (await sessions.listOfUser(user.id)).map(({ id }) => id)
    t.same(await ids(), [newer.id, brief.id, older.id])
    await stores.age(30)
    t.same(await ids(), [newer.id, older.id])
    const [, listed] = await sessions.listOfUser(user.id)
    t.same(Object.keys(listed ?? {}).sort(), [
      ...['absoluteExpiresAt', 'createdAt', 'device', 'id', 'idleExpiresAt', 'ip', 'lastUsedAt', 'mode'],
      ...['usedBeforeAt', 'userAgent', 'userId']
    ])
    t.match(listed, { device: 'Phone', mode: 'cookie', ip: '192.0.2.1', userAgent: 'browser', userId: user.id })
  })

  t.test('sessions are listed page by page, filtered by user and by address', async (t) => {
    const [user, other] = [await addUser(stores), await addUser(stores)]
    const ip = `198.51.100.1/${randomUUID()}`
    const all = await Promise.all(
      Array.from({ length: 7 }, (_, i) => login(stores, i % 2 === 0 ? user : other, { ip }))
    )
    await login(stores, user)
    await login(stores, user, { ip, idleTtlSeconds: 0 })

    const walked = await walk((page) => sessions.list({ ip }, page), 3)
    t.same(walked.sizes, [3, 3, 1])
    t.same(walked.items, [...walked.items].sort(newestFirst))
    t.same(walked.items.map(({ id }) => id).sort(), all.map(({ id }) => id).sort())
    t.equal((await walk((page) => sessions.list({ userId: user.id }, page), 2)).items.length, 5)
    t.equal((await walk((page) => sessions.list({ userId: user.id, ip }, page), 2)).items.length, 4)
    t.same(await sessions.list({ userId: randomUUID() }, { limit: 5 }), { items: [], nextCursor: null })
    t.ok((await sessions.list({}, { limit: 9 })).items.length >= 8)
  })

  t.test('count counts live sessions, up to its limit', async (t) => {
    const before = await sessions.count(1000)
    const user = await addUser(stores)
    for (let i = 0; i < 3; i++) await login(stores, user)
    await login(stores, user, { idleTtlSeconds: 0 })
    t.equal(await sessions.count(1000), before + 3)
    t.equal(await sessions.count(before + 2), before + 2)
    await sessions.endAllOfUser(user.id, { reason: 'logged_out' }, {})
    t.equal(await sessions.count(1000), before)
  })

  t.test('a last page that is full has no cursor', async (t) => {
    const user = await addUser(stores)
    await login(stores, user)
    await login(stores, user)
    t.match(await sessions.list({ userId: user.id }, { limit: 2 }), { items: { length: 2 }, nextCursor: null })
  })

  t.test('users are listed page by page, filtered by the exact beginning of their e-mail', async (t) => {
    const tag = randomUUID().slice(0, 8)
    for (const name of ['a%b', 'a_b', 'axb', 'a\\b', 'A%C'])
      await addUser(stores, { email: `${tag}${name}@example.org` })
    const emails = async (prefix: string) =>
      (await walk((page) => users.list({ emailPrefix: tag + prefix }, page), 2)).items
        .map(({ email }) => email?.slice(8))
        .sort()

    t.same(await emails('a%'), ['A%C@example.org', 'a%b@example.org'])
    t.same(await emails('a_'), ['a_b@example.org'])
    t.same(await emails('a\\'), ['a\\b@example.org'])
    t.equal((await emails('')).length, 5)
    const walked = await walk((page) => users.list({ emailPrefix: tag }, page), 2)
    t.same(walked.sizes, [2, 2, 1])
    t.same(walked.items, [...walked.items].sort(newestFirst))
    t.notOk('passwordHash' in (walked.items[0] ?? {}))
    t.ok((await users.list({}, { limit: 200 })).items.length >= 5)
  })

  t.test('events are listed page by page, newest first', async (t) => {
    const userId = randomUUID()
    for (const reason of ['a', 'b', 'c', 'd', 'e']) await events.record({ type: 'login_failed', userId, reason }, {})
    const walked = await walk((page) => events.list({ userId }, page), 2)
    t.same(walked.sizes, [2, 2, 1])
    t.same(
      walked.items.map(({ reason }) => reason),
      ['e', 'd', 'c', 'b', 'a']
    )
  })

  t.test('a cursor of another listing, or no cursor at all, is refused', async (t) => {
    const user = await addUser(stores)
    for (let i = 0; i < 2; i++) await login(stores, user)
    const { nextCursor } = await sessions.list({ userId: user.id }, { limit: 1 })
    t.type(nextCursor, 'string')
    const foreign = [nextCursor ?? '', '']
    for (const cursor of [...foreign, 'x', '!', `${nextCursor}A`, Buffer.from('users:1:2').toString('base64url')]) {
      await t.rejects(users.list({}, { limit: 1, cursor }), InvalidCursor, cursor)
      await t.rejects(events.list({}, { limit: 1, cursor }), InvalidCursor, cursor)
    }
    const { nextCursor: ofEvents } = await events.list({}, { limit: 1 })
    await t.rejects(sessions.list({}, { limit: 1, cursor: ofEvents ?? '' }), InvalidCursor)
  })
}

/** Reads every page of a listing. `sizes` is the number of items on each page. */
async function walk<T>(list: (page: PageRequest) => Promise<Page<T>>, limit: number) {
  const items: T[] = []
  const sizes: number[] = []
  let cursor: string | undefined
  do {
    const page = await list({ limit, cursor })
    items.push(...page.items)
    sizes.push(page.items.length)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return { items, sizes }
}

interface Created {
  readonly createdAt: number
  readonly id: string
}

const newestFirst = (a: Created, b: Created) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)
