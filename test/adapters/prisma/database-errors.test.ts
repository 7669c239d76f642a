import t from 'tap'
import { isUniqueViolation, unavailableBecause } from '../../../src/adapters/prisma/database-errors.js'
import { Unavailable } from '../../../src/ports/errors.js'

const coded = (code: string, message = 'a message') => Object.assign(new Error(message), { code })
const adapterError = (cause: object) => Object.assign(new Error('x'), { name: 'DriverAdapterError', cause })
const prismaError = (code: string, cause: object) =>
  Object.assign(coded(code), { meta: { driverAdapterError: adapterError(cause) } })
const state = (originalCode: string) => ({ kind: 'postgres', originalCode })

const unavailableErrors: Record<string, unknown> = {
  'Prisma: no connection': coded('P1001'),
  'Prisma: time-out of the connection': coded('P1002'),
  'Prisma: operation timed out': coded('P1008'),
  'Prisma: connection closed': coded('P1017'),
  'Prisma: pool time-out': coded('P2024'),
  'Prisma: transaction expired or not started in time': coded('P2028'),
  'Prisma: write conflict': coded('P2034'),
  'raw query, server not reachable': prismaError('P2010', { kind: 'DatabaseNotReachable' }),
  'raw query, socket closed': prismaError('P2010', { kind: 'ConnectionClosed' }),
  'raw query, too many connections': prismaError('P2010', { kind: 'TooManyConnections', originalCode: '53300' }),
  'raw query, shutdown by an operator': prismaError('P2010', state('57P01')),
  'raw query, starting up': prismaError('P2010', state('57P03')),
  'raw query, statement time-out': prismaError('P2010', state('57014')),
  'raw query, lock time-out': prismaError('P2010', state('55P03')),
  'raw query, deadlock': prismaError('P2010', state('40P01')),
  'raw query, idle in transaction': prismaError('P2010', state('25P03')),
  'model query, connection exception': prismaError('P2039', state('08006')),
  'model query, input/output error': prismaError('P2039', state('58030')),
  'a bare adapter error': adapterError({ kind: 'ConnectionClosed' }),
  'a bare adapter error with a SQLSTATE': adapterError(state('57P01')),
  'PostgreSQL itself, too many connections': coded('53300'),
  'PostgreSQL itself, wrong password': coded('28P01'),
  'PostgreSQL itself, no such database': coded('3D000'),
  'socket refused': coded('ECONNREFUSED'),
  'socket reset': coded('ECONNRESET'),
  'socket refused on every address': Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
  'pool: connection lost': new Error('Connection terminated unexpectedly'),
  'pool: connecting took too long': new Error('Connection terminated due to connection timeout'),
  'pool: exhausted': new Error('timeout exceeded when trying to connect'),
  'pool: server silent': new Error('Query read timeout'),
  'pool: closed': new Error('Cannot use a pool after calling end on the pool'),
  'PGlite: closed': new Error('PGlite is closed'),
  'PGlite: stopped': Object.assign(new Error('unreachable'), { name: 'RuntimeError' })
}

for (const [name, error] of Object.entries(unavailableErrors)) {
  t.test(`unavailable: ${name}`, async (t) => {
    const unavailable = unavailableBecause(error)
    t.type(unavailable, Unavailable)
    t.equal(unavailable?.cause, error, 'the cause is kept')
    t.equal(unavailable?.retryAfterSeconds, 1)
  })
}

for (const [name, code] of [
  ['read-only', '25006'],
  ['disk full', '53100']
] as const) {
  t.test(`unavailable for longer: ${name}`, async (t) => {
    for (const error of [coded(code), prismaError('P2010', state(code)), adapterError(state(code))]) {
      t.equal(unavailableBecause(error)?.retryAfterSeconds, 10)
    }
  })
}

const otherErrors: Record<string, unknown> = {
  'unique violation': prismaError('P2002', { kind: 'UniqueConstraintViolation', originalCode: '23505' }),
  'syntax error': prismaError('P2010', state('42601')),
  'no such table': prismaError('P2021', { kind: 'TableDoesNotExist', originalCode: '42P01' }),
  'a fault of the program': new TypeError('x is not a function'),
  'a fault of the program whose message mentions a time-out': new Error('nothing timed out here, timeout exceeded'),
  'already unavailable': new Unavailable('unchanged'),
  'a text': 'P1001',
  null: null
}

for (const [name, error] of Object.entries(otherErrors)) {
  t.test(`passes through: ${name}`, async (t) => t.equal(unavailableBecause(error), undefined))
}

t.test('isUniqueViolation recognizes every shape of the error', async (t) => {
  const byFields = { kind: 'UniqueConstraintViolation', constraint: { fields: ['email_key'] }, originalCode: '23505' }
  const byIndex = { kind: 'UniqueConstraintViolation', constraint: { index: 'user_email_key' }, originalCode: '23505' }
  for (const cause of [byFields, byIndex]) {
    t.ok(isUniqueViolation(prismaError('P2002', cause)))
    t.ok(isUniqueViolation(prismaError('P2010', cause)))
    t.ok(isUniqueViolation(adapterError(cause)))
  }
  t.ok(isUniqueViolation(coded('23505')))
  t.notOk(isUniqueViolation(coded('23503')))
  t.notOk(isUniqueViolation(prismaError('P2003', { kind: 'ForeignKeyConstraintViolation', originalCode: '23503' })))
  t.notOk(isUniqueViolation(undefined))
})
