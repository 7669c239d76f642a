import t from 'tap'
import { openTestDatabase, sql } from '../support/database.js'
import { openAdminService } from '../support/http/admin.js'
import { newEmail, newPerson } from '../support/http/people.js'
import { goodPassword, openService } from '../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const { app, admin } = await openAdminService(t, database, { TRUST_PROXY: '10.0.0.0/8' })
const proxy = '10.1.2.3'

/** Logs in through the proxy, with `forwardedFor` as the proxy's header. */
async function logInThrough(forwardedFor: string) {
  const { email } = await newPerson(app)
  const headers = { 'x-forwarded-for': forwardedFor }
  const payload = { email, password: goodPassword, mode: 'access' }
  const response = await app.inject({ method: 'POST', url: '/login', remoteAddress: proxy, headers, payload })
  const sid: string = response.json().session_id
  const events = await sql<{ ip: string }>(database, 'SELECT ip FROM event WHERE session_id = $1::uuid', sid)
  const sessions = await sql<{ ip: string }>(database, 'SELECT ip FROM session WHERE id = $1::uuid', sid)
  return { sid, ips: [...new Set([...events, ...sessions].map(({ ip }) => ip))] }
}

const forwarded: Readonly<Record<string, string>> = {
  '203.0.113.9:4711': '203.0.113.9',
  '::ffff:203.0.113.10': '203.0.113.10',
  '::FFFF:CB00:710B': '203.0.113.11',
  '[2001:DB8::1]:4711': '2001:db8::1',
  '2001:0db8:0::0002': '2001:db8::2',
  'fe80::7%eth0': 'fe80::7',
  '198.51.100.1, 203.0.113.12:80': '203.0.113.12',
  '203.0.113.13, 10.9.9.9:8080': '203.0.113.13',
  '203.0.113.14, [::ffff:10.9.9.9]:8080': '203.0.113.14'
}

for (const [header, ip] of Object.entries(forwarded)) {
  t.test(`with X-Forwarded-For: ${header} the session and the event have the address ${ip}`, async (t) => {
    t.strictSame((await logInThrough(header)).ips, [ip])
  })
}

t.test(
  'text in X-Forwarded-For that is not an address is not stored: the session has the address of the proxy',
  async (t) => {
    const entries = [
      'unknown',
      '_hidden',
      '<script>',
      "1.2.3.4' OR 1=1",
      '999.1.1.1',
      '010.9.9.9',
      `${'9'.repeat(300)}`
    ]
    for (const entry of entries) t.strictSame((await logInThrough(`203.0.113.9, ${entry}`)).ips, [proxy], entry)
    t.strictSame((await logInThrough('203.0.113.9, , ,\t')).ips, ['203.0.113.9'], 'empty entries do not count')
  }
)

t.test('a peer with a mapped IPv4 address counts as an IPv4 client', async (t) => {
  const { email } = await newPerson(app)
  const payload = { email, password: goodPassword, mode: 'access' }
  const remoteAddress = '::ffff:192.0.2.44'
  const response = await app.inject({ method: 'POST', url: '/login', remoteAddress, payload })
  const found = (await admin.send('GET', '/admin/sessions?ip=192.0.2.44')).json()
  t.match(found.sessions, [{ id: response.json().session_id, ip: '192.0.2.44' }])
})

t.test('?ip= finds the sessions of an address in every spelling', async (t) => {
  const { sid } = await logInThrough('[2001:db8::77]:1234')
  for (const spelling of [
    '2001:db8::77',
    '2001:DB8:0:0:0:0:0:77',
    '[2001:db8::77]',
    '[2001:db8::77]:9',
    '2001:db8::77%1'
  ]) {
    const { sessions } = (await admin.send('GET', `/admin/sessions?ip=${encodeURIComponent(spelling)}`)).json()
    t.match(sessions, [{ id: sid }], spelling)
    t.equal(sessions.length, 1)
  }
})

t.test('an ?ip= that is not an address finds nothing', async (t) => {
  for (const text of ['unknown', '127.0.0', '127.0.0.0/8', '*']) {
    const { sessions } = (await admin.send('GET', `/admin/sessions?ip=${encodeURIComponent(text)}`)).json()
    t.strictSame(sessions, [], text)
  }
})

t.test('a client has one limit, however its proxy writes its address', async (t) => {
  const limited = await openService(t, database, { RATE_LIMIT_ENABLED: 'true', TRUST_PROXY: '10.0.0.0/8' })
  const send = async (entry: string) => {
    const headers = { 'x-forwarded-for': entry }
    return (await limited.inject({ method: 'DELETE', url: '/me', remoteAddress: proxy, headers })).statusCode
  }
  const refused = async (entries: readonly string[]) => {
    const statuses = await Promise.all(entries.map(send))
    return statuses.filter((status) => status === 429).length
  }
  const ports = Array.from({ length: 61 }, (_, at) => at + 1000)
  t.equal(await refused(ports.map((port) => `203.0.113.1:${port}`)), 1, 'a new port is not a new client')
  t.equal(await send('::ffff:203.0.113.1'), 429)
  t.equal(await refused(ports.map((port) => `[2001:db8:9:9::${port}]:${port}`)), 1, 'an IPv6 client is its /64')
  t.equal(await refused(ports.map((port) => `junk-${port}`)), 1, 'junk is the proxy')
  t.not(await send('203.0.113.2'), 429)
})

t.test('wrong passwords of a stranger are counted by address without port', async (t) => {
  const limited = await openService(t, database, { RATE_LIMIT_ENABLED: 'true', TRUST_PROXY: '10.0.0.0/8' })
  const email = newEmail()
  const guess = async (port: number) => {
    const headers = { 'x-forwarded-for': `203.0.113.3:${port}` }
    const payload = { email, password: 'not that password' }
    return (await limited.inject({ method: 'POST', url: '/login', remoteAddress: proxy, headers, payload })).statusCode
  }
  const statuses: number[] = []
  for (let port = 1; port <= 12; port += 1) statuses.push(await guess(port))
  t.equal(statuses.filter((status) => status === 429).length, 2)
})
