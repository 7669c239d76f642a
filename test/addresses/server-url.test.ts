import t from 'tap'
import { InvalidUrl, readServerUrl } from '../../src/addresses/server-url.js'

t.test('a URL is read into its parts', async (t) => {
  const { parameters, ...parts } = readServerUrl('postgresql://ada:pass@db.internal:5433/people?schema=a%20b&x=1+2')
  t.strictSame(parts, {
    scheme: 'postgresql',
    user: 'ada',
    password: 'pass',
    hosts: [{ name: 'db.internal', port: 5433 }],
    path: 'people'
  })
  t.strictSame(Object.fromEntries(parameters), { schema: 'a b', x: '1 2' })
})

t.test('what a URL leaves out is undefined', async (t) => {
  for (const text of ['redis://', 'redis://@', 'redis://:@/', 'redis:///?']) {
    t.match(readServerUrl(text), { user: undefined, password: undefined, path: undefined }, text)
    t.strictSame(readServerUrl(text).hosts, [{ name: '', port: undefined }], text)
  }
})

for (const [written, password] of [
  ['p#ss', 'p#ss'],
  ['p@ss', 'p@ss'],
  ['p:ss', 'p:ss'],
  ['p%2Fs%3Fs%40%25', 'p/s?s@%'],
  ['50%off', '50%off'],
  ['%c3%a4', 'ä'],
  ['ä[]&=+,;!$', 'ä[]&=+,;!$']
] as const) {
  t.test(`the password ${written} is read as ${password}`, async (t) => {
    const { hosts, ...read } = readServerUrl(`postgresql://ada:${written}@db:1/people`)
    t.match(read, { user: 'ada', password, path: 'people' })
    t.strictSame(hosts, [{ name: 'db', port: 1 }])
  })
}

t.test('there may be several hosts, IPv6 addresses in brackets, and encoded paths of sockets', async (t) => {
  t.strictSame(readServerUrl('redis-sentinel://a,b:1,[::1]:2,[fe80::1],%2Fvar%2Frun/x').hosts, [
    { name: 'a', port: undefined },
    { name: 'b', port: 1 },
    { name: '::1', port: 2 },
    { name: 'fe80::1', port: undefined },
    { name: '/var/run', port: undefined }
  ])
})

for (const [text, expected] of [
  ['no address', /has a space or a line break/],
  ['postgresql://db/x\n', /has a space or a line break/],
  ['localhost:5432', /is not an address of the form scheme:\/\/host/],
  ['//db', /is not an address/],
  ['postgresql://ada:hunter2/hunter3@db/people', /has an @ behind its host: write @ as %40, \/ as %2F/],
  ['postgresql://ada:12/hunter3@db/people', /has an @ behind its host/],
  ['postgresql://ada:hunter2?hunter3@db/people', /has an @ behind its host/],
  ['postgresql://ada:hunter2', /must have a port from 1 to 65535/],
  ['postgresql://db:0/x', /must have a port/],
  ['postgresql://db:65536', /must have a port/],
  ['postgresql://ada:p@::1/x', /must have a port/],
  ['postgresql://db/x?hunter2', /must have parameters of the form name=value/],
  ['postgresql://ada:%ff@db', /has a %-code that is not UTF-8/]
] as const) {
  t.test(`${JSON.stringify(text)} is refused, and nothing of it is shown`, async (t) => {
    try {
      readServerUrl(text)
      t.fail('it is read')
    } catch (error) {
      t.ok(error instanceof InvalidUrl)
      t.match(error, { message: expected })
      t.notMatch(String(error), /hunter/)
    }
  })
}
