import t from 'tap'
import { connectionFault, startFault } from '../../../../src/adapters/prisma/server/connection-fault.js'
import { Unavailable } from '../../../../src/ports/errors.js'

const connection = { host: 'db.internal', port: 5432, user: 'ada', database: 'people' }
const target = { connection, setting: 'DATABASE_URL' } as const
const fault = (message: string, code?: string) => Object.assign(new Error(message), code === undefined ? {} : { code })
const place = 'db\\.internal:5432'

for (const [error, expected] of [
  [fault('getaddrinfo ENOTFOUND db.internal', 'ENOTFOUND'), 'the host "db.internal" is unknown \\(ENOTFOUND\\)'],
  [fault('getaddrinfo EAI_AGAIN db.internal', 'EAI_AGAIN'), 'no DNS server says where "db.internal" is'],
  [Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), `${place} refuses connections`],
  [fault('connect EHOSTUNREACH', 'EHOSTUNREACH'), `${place} does not answer`],
  [fault('timeout expired'), `${place} does not answer`],
  [fault('Connection terminated due to connection timeout'), `${place} does not answer`],
  [fault('Connection terminated unexpectedly'), `${place} closes the connection without a word`],
  [fault('read ECONNRESET', 'ECONNRESET'), `${place} closes the connection without a word`],
  [fault('The server does not support SSL connections'), `${place} offers no TLS: .* sslmode=disable`],
  [
    fault('There was an error establishing an SSL connection'),
    `${place} does not answer as PostgreSQL to the question for TLS`
  ],
  [
    fault('certificate has expired', 'CERT_HAS_EXPIRED'),
    `the certificate of ${place} is not valid now: "certificate has expired"`
  ],
  [
    fault('self-signed certificate', 'SELF_SIGNED_CERT_IN_CHAIN'),
    `the certificate of ${place} is not trusted .* sslrootcert=`
  ],
  [fault('wrong version number', 'ERR_SSL_WRONG_VERSION_NUMBER'), `TLS with ${place} fails: "wrong version number"`],
  [fault('password authentication failed', '28P01'), `${place} refuses the password of the role "ada"`],
  [
    fault('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'),
    `${place} asks for a password of the role "ada"`
  ],
  [fault('role "ada" does not exist', '28000'), `${place} has no role "ada"`],
  [fault('database "people" does not exist', '3D000'), `${place} has no database "people"`],
  [
    fault('sorry, too many clients already', '53300'),
    `${place} has no free connection: "sorry, too many clients already"`
  ],
  [fault('the database system is starting up', '57P03'), `${place} is not ready: "the database system is starting up"`],
  // PgBouncer's.
  [fault('no such database: people', '08P01'), `${place} answers "no such database: people"`],
  [
    fault('unsupported startup parameter: options', '08P01'),
    `${place} answers "unsupported startup parameter: options"`
  ]
] as const) {
  t.test(`"${error.message}" is explained`, async (t) => {
    const explained = connectionFault(error, target)
    t.match(explained, { name: 'CannotStart', message: new RegExp(`^DATABASE_URL: ${expected}.*[.?]$`), cause: error })
  })
}

t.test('a Unix socket is named by its path', async (t) => {
  const { message } =
    connectionFault(fault('connect ENOENT', 'ENOENT'), {
      ...target,
      connection: { ...connection, host: '/run/pg' }
    }) ?? {}
  t.match(message, 'the socket /run/pg/.s.PGSQL.5432 does not exist')
})

t.test('the words of a server stay on one line, are cut off, and cannot control a terminal', async (t) => {
  const { message = '' } =
    connectionFault(fault(`go\n\u001b[2J away\u2028${'x'.repeat(10_000)}`, '08P01'), target) ?? {}
  t.match(message, /answers "go \[2J away x+"\.$/)
  t.ok(message.length < 400)
})

t.test('a fault that is not of the connection is left as it is', async (t) => {
  t.equal(connectionFault(new TypeError('x is not a function'), target), undefined)
  t.equal(connectionFault('no error', target), undefined)
})

t.test('a missing right is explained, also as the cause of a failed migration', async (t) => {
  const refused = fault('permission denied for schema public', '42501')
  for (const error of [refused, new Error('The migration 1 failed', { cause: refused })]) {
    t.match(startFault(error, target), {
      name: 'CannotStart',
      message: /^DATABASE_URL: the role "ada" may not .*"permission denied for schema public".* set MIGRATE=off here/
    })
  }
  t.equal(startFault(fault('x', '42601'), target), undefined)
  t.equal(startFault('no error', target), undefined)
})

t.test("a statement of the start that the server refuses is one line, without Prisma's own words", async (t) => {
  const byPrisma = (message: string, originalCode: string) =>
    Object.assign(
      new Error(`\nInvalid \`prisma.$queryRaw()\` invocation:\n\n\nRaw query failed. Message: \`${message}\``),
      {
        code: 'P2010',
        meta: { driverAdapterError: { name: 'DriverAdapterError', cause: { originalCode } } }
      }
    )
  const readOnly = byPrisma('cannot execute INSERT', '25006')
  t.equal(
    startFault(new Unavailable('The database accepts no writes now.', 10, { cause: readOnly }), target)?.message,
    'DATABASE_URL: the database is read-only, as a standby is: "cannot execute INSERT". Name the primary.'
  )
  t.match(
    startFault(byPrisma('permission denied for table x', '42501'), target)?.message,
    /may not .* MIGRATE=off here/
  )
  t.equal(
    startFault(byPrisma('relation "x" does not exist', '42P01'), target)?.message,
    'DATABASE_URL: relation "x" does not exist'
  )
})
