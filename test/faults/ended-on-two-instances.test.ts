import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { UsersPage } from '../../src/http/schemas/admin/users.js'
import { serverUrl } from '../support/database.js'
import { adminSettings, until } from '../support/faults/crowd.js'
import { seeded } from '../support/faults/seed.js'
import { Device, password, read } from '../support/processes/device.js'
import { freshDatabase, startService } from '../support/processes/process.js'

t.setTimeout(1_800_000)

const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'
const people = 10
const changed = `${password}, a new one`
const roundsEach = 100

const forcedBatches = fileURLToPath(new URL('../support/processes/serve-with-failpoint.js', import.meta.url))

/** The second one makes concurrent refreshes share statements. */
async function twoInstances(t: Test): Promise<readonly [string, string]> {
  const settings = { ...(await freshDatabase(t, 'server')), ...adminSettings }
  const [one, other] = await Promise.all([
    startService(t, settings),
    startService(t, { ...settings, FAILPOINT: 'batches' }, { entry: forcedBatches })
  ])
  return [one.url, other.url]
}

const copyAt = (url: string, { accessToken, refreshToken, sessionId }: Device) =>
  Object.assign(new Device(url), { accessToken, refreshToken, sessionId })

/** Ways to end the session of `lost` from another device of the same person, in one request. */
const endings = {
  revocation: (from: Device, lost: Device) => from.send('DELETE', `/sessions/${lost.sessionId}`),
  'password change': (from: Device) => from.changePassword(password, changed)
}

for (const [name, end] of Object.entries(endings)) {
  t.test(`40: a ${name} always wins against concurrent refreshes at two instances`, { skip }, async (t) => {
    const urls = await twoInstances(t)
    const random = seeded(t)
    const answered: Record<number, number> = { 200: 0, 401: 0 }
    const survivors: string[] = []

    async function round(keeper: Device, lost: Device): Promise<void> {
      const copies = urls.flatMap((url) => [copyAt(url, lost), copyAt(url, lost)])
      const refreshing = copies.map(async (copy) => {
        await delay(random(20))
        const { status } = await copy.refresh()
        answered[status] = (answered[status] ?? 0) + 1
      })
      await delay(random(20))
      const { status } = await end(keeper, lost)
      if (status >= 300) t.fail(`the end was answered with ${status}`)
      await Promise.all(refreshing)
      for (const copy of copies) {
        if (copy.url === keeper.url && (await copy.send('GET', '/me')).status !== 401) survivors.push('an access token')
        // The other instance learns of it by a notice.
        await until(async () => (await copy.send('GET', '/me')).status === 401)
        for (const url of urls) {
          if ((await copyAt(url, copy).refresh()).status !== 401) survivors.push('a refresh token')
        }
      }
    }

    await Promise.all(
      Array.from({ length: people }, async (_, i) => {
        const keeper = new Device(urls[i % 2] ?? '')
        const email = `person-${i}@example.com`
        await keeper.signIn('/register', email)
        for (let rounds = 0; rounds < roundsEach; rounds += 1) {
          const lost = new Device(urls[rounds % 2] ?? '')
          await lost.signIn('/login', email)
          await round(keeper, lost)
          if (name !== 'revocation') await keeper.changePassword(changed, password)
        }
        t.equal((await keeper.refresh()).status, 200, 'the device that ended the others still refreshes')
      })
    )
    t.strictSame(survivors, [], `${people * roundsEach} interleavings`)
    t.strictSame(Object.keys(answered), ['200', '401'], JSON.stringify(answered))
    t.ok(
      Object.values(answered).every((count) => count > 0),
      'refreshes came before and after the end'
    )
    const metrics = await (await fetch(`${urls[1]}/metrics`)).text()
    const shared = Number(/batch_size_count (\d+)/.exec(metrics)?.[1]) - Number(/le="1"} (\d+)/.exec(metrics)?.[1])
    t.ok(shared > 10, `${shared} statements of the second instance were shared`)
  })
}

/** Ways to replace the session of `own`, whose tokens a thief has copied. */
const replacements = {
  'password change': (own: Device) => own.changePassword(password, password),
  're-authentication': (own: Device) => own.reauthenticate(password)
}

for (const [name, replace] of Object.entries(replacements)) {
  t.test(`40: after a ${name} no copied token of that session works at either instance`, { skip }, async (t) => {
    const urls = await twoInstances(t)
    const random = seeded(t)
    const survivors: string[] = []

    async function round(own: Device): Promise<void> {
      const thieves = urls.flatMap((url) => [copyAt(url, own), copyAt(url, own)])
      const refreshing = thieves.map(async (thief) => {
        await delay(random(100))
        await thief.refresh()
      })
      const { status } = await replace(own)
      if (status !== 200) t.fail(`the ${name} was answered with ${status}`)
      await Promise.all(refreshing)
      for (const thief of thieves) {
        await until(async () => (await thief.send('GET', '/me')).status === 401)
        for (const url of urls) {
          const { status, body } = await copyAt(url, thief).refresh()
          if (status !== 401) survivors.push(`${status} ${JSON.stringify(body)}`)
        }
      }
      for (const url of urls) t.equal((await copyAt(url, own).send('GET', '/me')).status, 200)
    }

    await Promise.all(
      Array.from({ length: people }, async (_, i) => {
        const own = new Device(urls[i % 2] ?? '')
        await own.signIn('/register', `person-${i}@example.com`)
        for (let rounds = 0; rounds < roundsEach / 5; rounds += 1) await round(own)
        t.equal((await own.refresh()).status, 200)
      })
    )
    t.strictSame(survivors, [], `${(people * roundsEach) / 5} interleavings`)
  })
}

t.test('40: a revocation at one instance wins against a re-authentication at the other', { skip }, async (t) => {
  const [one, other] = await twoInstances(t)
  const random = seeded(t)
  const answered: Record<string, number> = {}
  await Promise.all(
    Array.from({ length: people }, async (_, i) => {
      const email = `person-${i}@example.com`
      const keeper = new Device(one)
      await keeper.signIn('/register', email)
      for (let rounds = 0; rounds < roundsEach / 5; rounds += 1) {
        const lost = new Device(other)
        await lost.signIn('/login', email)
        const { sessionId } = lost
        const replacing = lost.reauthenticate(password)
        await delay(random(100))
        const ended = await keeper.send('DELETE', `/sessions/${sessionId}`)
        const replaced = await replacing
        const outcome = `${ended.status} and ${replaced.status}`
        answered[outcome] = (answered[outcome] ?? 0) + 1
        if (ended.status === 204) t.equal((await lost.refresh()).status, 401, 'an ended session is not replaced')
      }
    })
  )
  t.comment(JSON.stringify(answered))
  t.strictSame(
    Object.keys(answered).sort(),
    ['204 and 401', '404 and 200'],
    'both orders happened, and no other answer'
  )
})

t.test(
  '41: an admin who is demoted, disabled or deleted at one instance is refused at the other',
  { skip },
  async (t) => {
    const [one, other] = await twoInstances(t)
    const ops = new Device(one)
    await ops.signIn('/login', adminSettings.ADMIN_EMAIL)
    const changes = {
      demoted: { method: 'PATCH', content: { roles: [] }, refusals: [403, 401] },
      disabled: { method: 'PATCH', content: { disabled: true }, refusals: [401] },
      deleted: { method: 'DELETE', content: undefined, refusals: [401] }
    } as const

    for (const [name, { method, content, refusals }] of Object.entries(changes)) {
      const times: number[] = []
      for (let round = 0; round < 20; round += 1) {
        const email = `${name}-${round}@example.com`
        const admin = new Device(other)
        await admin.signIn('/register', email)
        const [user] = read(UsersPage, await ops.send('GET', `/admin/users?email=${email}`)).users
        await ops.send('PATCH', `/admin/users/${user?.id}`, { roles: ['admin'] })
        await admin.signIn('/login', email)
        t.equal((await admin.send('GET', '/admin/users')).status, 200)

        t.ok((await ops.send(method, `/admin/users/${user?.id}`, content)).status < 300)
        const from = performance.now()
        await until(async () => {
          const { status } = await admin.send('GET', '/admin/users')
          return refusals.some((expected) => expected === status)
        })
        times.push(performance.now() - from)
        if (name !== 'demoted') t.equal((await admin.refresh()).status, 401)
      }
      t.comment(`${name}: refused within ${Math.round(Math.max(...times))} ms of the answer, ${times.length} times`)
    }
  }
)
