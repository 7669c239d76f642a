import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import t from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { type ContractCode, expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { newEmail, newPerson } from '../../support/http/people.js'
import { Client, goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)

const register = (password: string, email = newEmail()) =>
  app.inject({ method: 'POST', url: '/register', payload: { email, password } })

const login = (email: string, password: string) =>
  app.inject({ method: 'POST', url: '/login', payload: { email, password } })

const longest = `${'éx'.repeat(341)}!`

const tooShort = 'A password has at least 15 characters.'
const tooLong = 'A password has at most 1024 bytes.'
const tooCommon =
  'This password is among the first to be guessed: many people use it, it has leaked, or it is made of your address or the name of this service.'

const refused: readonly (readonly [name: string, password: string, code: ContractCode, detail: string])[] = [
  ['fourteen characters', 'jq7#xv2mjq7#xv', 'password_too_short', tooShort],
  ['fourteen characters of 56 bytes', '🦊🐙🦉🐝🐌🦎🦑'.repeat(2), 'password_too_short', tooShort],
  ['nothing', '', 'password_too_short', tooShort],
  ['a leaked one', '1qaz2wsx3edc4rfv', 'password_too_common', tooCommon],
  ['a leaked one in capitals', 'QazWsxEdcRfvTgb', 'password_too_common', tooCommon],
  ['the name of the service', 'latchkey2024!!!', 'password_too_common', tooCommon],
  ['1025 bytes', `${longest}!`, 'password_too_long', tooLong]
]

for (const [name, password, code, detail] of refused) {
  t.test(`register refuses ${name} as ${code}`, async (t) => {
    expectProblem(t, await register(password), code, { detail })
  })

  t.test(`a password change refuses ${name} as ${code}`, async (t) => {
    const { client } = await newPerson(app)
    const payload = { current_password: goodPassword, new_password: password }
    expectProblem(t, await client.send('POST', '/password', { payload }), code, { detail })
  })
}

t.test('words of the address and of the service are too common, in any case and with decoration', async (t) => {
  const acme = await openService(t, database, {
    ISSUER: 'https://login.acme-tools.example',
    PASSWORD_MIN_LENGTH: '8'
  })
  for (const password of [
    'ada.lovelace',
    'ADA.lovelace@example.org',
    'Ada.Lovelace1815!',
    'analytical.engine',
    'analytical2026',
    'acme-tools!!',
    'login.acme-tools.example'
  ]) {
    const payload = { email: 'Ada.Lovelace@Analytical.Engine', password }
    const email = password.includes('example.org') ? 'Ada.Lovelace@example.org' : payload.email
    const response = await acme.inject({ method: 'POST', url: '/register', payload: { ...payload, email } })
    expectProblem(t, response, 'password_too_common', { detail: tooCommon })
  }
})

t.test("an overlong password is refused with its field's name", async (t) => {
  expectFieldErrors(t, await register('x'.repeat(10_001)), ['password'])
})

t.test('PASSWORD_MIN_LENGTH sets the minimum', async (t) => {
  const lax = await openService(t, database, { PASSWORD_MIN_LENGTH: '8' })
  const send = (password: string) =>
    lax.inject({ method: 'POST', url: '/register', payload: { email: newEmail(), password } })
  const detail = 'A password has at least 8 characters.'
  expectProblem(t, await send('jq7#xv2'), 'password_too_short', { detail })
  expectProblem(t, await send('iloveyou'), 'password_too_common', { detail: tooCommon })
  t.equal((await send('jq7#xv2m')).statusCode, 201)
})

t.test(
  'a user whose password is shorter than the minimum signs in as before, and changes it to a longer one',
  async (t) => {
    const lax = await openService(t, database, { PASSWORD_MIN_LENGTH: '8' })
    const payload = { email: newEmail(), password: 'jq7#xv2m' }
    t.equal((await lax.inject({ method: 'POST', url: '/register', payload })).statusCode, 201)

    const client = new Client(app)
    t.equal((await client.send('POST', '/login', { payload })).statusCode, 200)
    t.equal((await client.send('POST', '/reauthenticate', { payload: { password: payload.password } })).statusCode, 200)
    const changeTo = (new_password: string) =>
      client.send('POST', '/password', { payload: { current_password: payload.password, new_password } })
    expectProblem(t, await changeTo('jq7#xv2n'), 'password_too_short', { detail: tooShort })
    t.equal((await changeTo(goodPassword)).statusCode, 200)
    t.equal((await login(payload.email, goodPassword)).statusCode, 200)
  }
)

const accepted: readonly (readonly [name: string, password: string])[] = [
  ['fifteen characters', 'jq7#xv2mjq7#xv2'],
  ['sixty-four characters of four bytes', '🦊🐙🦉🐝🐌🦎🦑🐢'.repeat(8)],
  ['1024 bytes', longest],
  ['a NUL within', 'before\0after it'],
  ['a NUL in front', '\0 and then more'],
  ...[71, 72, 73, 255, 256, 257].map(
    (length) => [`${length} bytes`, 'correct horse battery staple '.repeat(9).slice(0, length)] as const
  )
]

for (const [name, password] of accepted) {
  t.test(`${name}: accepted, and every byte counts`, async (t) => {
    const email = newEmail()
    t.equal((await register(password, email)).statusCode, 201)
    t.equal((await login(email, password)).statusCode, 200)
    for (const other of [`${password.slice(0, -1)}~`, password.slice(0, -1), `${password}~`]) {
      expectProblem(t, await login(email, other), 'invalid_credentials')
    }
  })
}

t.test('a password with a NUL is not equal to the part before it', async (t) => {
  const email = newEmail()
  t.equal((await register('the same start\0one end', email)).statusCode, 201)
  expectProblem(t, await login(email, 'the same start\0other end'), 'invalid_credentials')
  expectProblem(t, await login(email, 'the same start'), 'invalid_credentials')
})

t.test('a password is verified as received: spaces and letter encodings count', async (t) => {
  const email = newEmail()
  t.equal((await register(' cafe\u0301 au lait ', email)).statusCode, 201)
  t.equal((await login(email, ' cafe\u0301 au lait ')).statusCode, 200)
  expectProblem(t, await login(email, 'cafe\u0301 au lait'), 'invalid_credentials')
  expectProblem(t, await login(email, ' caf\u00e9 au lait '), 'invalid_credentials')
})

t.test('with BREACHED_PASSWORDS_URL a leaked password is refused; if that service fails, none is', async (t) => {
  const leaked = 'a long password that has leaked'
  const suffix = createHash('sha1').update(leaked).digest('hex').toUpperCase().slice(5)
  const server = createServer((_request, response) => response.end(`${suffix}:2`)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const asking = await openService(t, database, { BREACHED_PASSWORDS_URL: `http://127.0.0.1:${port}/` })
  const payload = { email: newEmail(), password: leaked }
  const send = () => asking.inject({ method: 'POST', url: '/register', payload })
  expectProblem(t, await send(), 'password_too_common', { detail: tooCommon })
  const { client } = await newPerson(asking)
  const change = { current_password: goodPassword, new_password: leaked }
  expectProblem(t, await client.send('POST', '/password', { payload: change }), 'password_too_common', {
    detail: tooCommon
  })

  server.closeAllConnections()
  server.close()
  t.equal((await send()).statusCode, 201)
})
