import t from 'tap'
import { readDatabaseUrl } from '../../src/addresses/database-url.js'

const nothing = { user: undefined, password: undefined, port: undefined, database: undefined }
const trusted = { rootCertificate: undefined, certificate: undefined, key: undefined, isDirect: false }

t.test('a URL names the server, the database and the schema', async (t) => {
  t.strictSame(readDatabaseUrl('postgresql://ada:p%40ss@db:5433/people?schema=My%20Schema&application_name=auth'), {
    user: 'ada',
    password: 'p@ss',
    host: 'db',
    port: 5433,
    database: 'people',
    schema: 'My Schema',
    options: undefined,
    applicationName: 'auth',
    tls: undefined,
    bindsChannel: false,
    ignored: []
  })
  t.match(readDatabaseUrl('postgres://db'), { ...nothing, host: 'db', schema: undefined })
  t.match(readDatabaseUrl('postgresql:///people'), { ...nothing, database: 'people', host: undefined })
})

t.test('a parameter wins over the same part of the URL, as in pg', async (t) => {
  t.match(readDatabaseUrl('postgresql://a:b@c:1/d?user=e&password=f&host=g&port=2&dbname=h'), {
    user: 'e',
    password: 'f',
    host: 'g',
    port: 2,
    database: 'h'
  })
})

t.test('a Unix socket is named by its folder, as host= or encoded, and never has TLS', async (t) => {
  for (const text of [
    'postgresql:///people?host=/var/run/postgresql&sslmode=require',
    'postgresql://ada@/people?host=/var/run/postgresql',
    'postgresql://%2Fvar%2Frun%2Fpostgresql/people'
  ]) {
    t.match(readDatabaseUrl(text), { host: '/var/run/postgresql', database: 'people', tls: 'off' }, text)
  }
})

for (const [parameters, tls] of [
  ['', undefined],
  ['sslmode=disable', 'off'],
  ['ssl=0', 'off'],
  ['ssl=false', 'off'],
  ['sslmode=no-verify', { ...trusted, verify: 'none' }],
  ['ssl=no-verify', { ...trusted, verify: 'none' }],
  ['sslmode=prefer', { ...trusted, verify: 'full' }],
  ['sslmode=require', { ...trusted, verify: 'full' }],
  ['sslmode=verify-ca', { ...trusted, verify: 'full' }],
  ['sslmode=verify-full', { ...trusted, verify: 'full' }],
  ['ssl=true', { ...trusted, verify: 'full' }],
  ['sslrootcert=/ca.pem', { ...trusted, verify: 'full', rootCertificate: '/ca.pem' }],
  ['sslmode=verify-full&sslrootcert=system', { ...trusted, verify: 'full' }],
  ['sslmode=require&sslcert=/a&sslkey=/b', { ...trusted, verify: 'full', certificate: '/a', key: '/b' }],
  ['sslnegotiation=direct', { ...trusted, verify: 'full', isDirect: true }],
  ['uselibpqcompat=true&sslmode=prefer', { ...trusted, verify: 'none' }],
  ['uselibpqcompat=true&sslmode=require', { ...trusted, verify: 'none' }],
  ['uselibpqcompat=true&sslmode=require&sslrootcert=system', { ...trusted, verify: 'full' }],
  ['uselibpqcompat=true&sslmode=require&sslrootcert=/ca', { ...trusted, verify: 'authority', rootCertificate: '/ca' }],
  [
    'uselibpqcompat=true&sslmode=verify-ca&sslrootcert=/ca',
    { ...trusted, verify: 'authority', rootCertificate: '/ca' }
  ],
  ['uselibpqcompat=true&sslmode=verify-full', { ...trusted, verify: 'full' }]
] as const) {
  t.test(`TLS with "${parameters}"`, async (t) => {
    t.strictSame(readDatabaseUrl(`postgresql://db/people?${parameters}`).tls, tls)
  })
}

t.test('parameters of Prisma and libpq that do nothing are allowed, and listed', async (t) => {
  const { ignored, bindsChannel } = readDatabaseUrl(
    'postgresql://db?connection_limit=5&pgbouncer=true&channel_binding=require'
  )
  t.strictSame(ignored, ['connection_limit', 'pgbouncer'])
  t.ok(bindsChannel)
  t.match(readDatabaseUrl('postgresql://db?target_session_attrs=read-write'), { host: 'db' })
})

for (const [text, expected] of [
  ['mysql://db', /must begin with postgresql:\/\//],
  ['postgresql://a,b/people?target_session_attrs=read-write', /names several hosts: name one address that .* primary/],
  ['postgresql:///people?host=a,b', /names several hosts/],
  ['postgresql://db?target_session_attrs=prefer-standby', /has a target_session_attrs that is not supported: .* any/],
  ['postgresql://db?port=x', /must have a port/],
  ['postgresql://db?schema=', /schema= of 1 to 63 bytes/],
  [`postgresql://db?schema=${'ä'.repeat(32)}`, /schema= of 1 to 63 bytes/],
  ['postgresql://db?schema=pg_temp', /must have a schema= of its own/],
  ['postgresql://db?schema=information_schema', /must have a schema= of its own/],
  ['postgresql://db?sslmode=verify-full&sslmode=disable', /has a parameter twice/],
  ['postgresql://db?sslmode=allow', /has a sslmode that is not supported: it must be one of disable, no-verify/],
  ['postgresql://db?sslmod=require', /has the parameter "sslmod", which is not known here: remove it/],
  ['postgresql://u:1?p%20q=2', /has the parameter with a strange name/],
  ['postgresql://db?sslmode=disable&sslrootcert=/ca', /has sslmode=disable and parameters of TLS/],
  ['postgresql://db?uselibpqcompat=true&sslmode=verify-ca', /sslmode=verify-ca, which needs sslrootcert=/]
] as const) {
  t.test(`${text} is refused`, async (t) => {
    t.throws(() => readDatabaseUrl(text), { name: 'InvalidUrl', message: expected })
  })
}
