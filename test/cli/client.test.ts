import t from 'tap'
import { openAdapters } from '../../src/composition.js'
import { loadConfig } from '../../src/config/read-config.js'
import { commandLine } from '../support/cli/command-line.js'
import { openTestDatabase } from '../support/database.js'
import { testEnvironment } from '../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const { ports, close } = await openAdapters(loadConfig(testEnvironment), { database })
t.teardown(close)
const opened = { ports, close: async () => undefined }

const latchkey = (...words: string[]) => commandLine(words, { opened })
async function json(...words: string[]) {
  const { exitCode, stdout, stderr } = await latchkey(...words, '--json')
  if (exitCode !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}
const isGood = async ({ id, secret }: { readonly id: string; readonly secret: string }) =>
  (await ports.clients.authenticate(id, ports.digest(secret))) !== undefined

t.test('client create prints the id and the secret, and the list does not have the secret', async (t) => {
  const made = await json('client', 'create', 'nightly export', '--scope', 'reports:read', '--scope', 'latchkey:feed')
  t.match(made, {
    id: /^client_/,
    name: 'nightly export',
    scopes: ['reports:read', 'latchkey:feed'],
    secret: /^lk_cs_/
  })
  t.ok(await isGood(made))
  const { stdout } = await latchkey('client', 'list')
  t.match(stdout, made.id)
  t.notMatch(stdout, made.secret)
  const { clients } = await json('client', 'list')
  t.match(clients, [{ id: made.id, secret: `${made.secret_id} …${made.secret.slice(-4)}`, older_secret: null }])
})

t.test('a secret is printed whole in the table too', async (t) => {
  const { stdout } = await latchkey('client', 'create', 'table', '--scope', 'x')
  t.match(stdout, /lk_cs_[\w-]{43}\n/)
})

t.test('client add-secret, delete-secret and delete change which secrets are good', async (t) => {
  const first = await json('client', 'create', 'rotated', '--scope', 'x')
  const second = await json('client', 'add-secret', first.id)
  t.ok((await isGood(first)) && (await isGood(second)))
  t.match(await latchkey('client', 'add-secret', first.id), { exitCode: 1, stderr: /two secrets already/ })
  t.match(await latchkey('client', 'delete-secret', first.id, first.secret_id), { exitCode: 0, stdout: /refused/ })
  t.notOk(await isGood(first))
  t.ok(await isGood(second))
  t.strictSame(await json('client', 'delete', first.id), { deleted: first.id })
  t.notOk(await isGood(second))
  t.match(await latchkey('client', 'delete', first.id), { exitCode: 1, stderr: /Nothing has that name or id/ })
})

t.test('a client without scopes, with a wrong scope or with a wrong name is not created', async (t) => {
  t.match(await latchkey('client', 'create', 'x'), { exitCode: 2, stderr: /--scope is missing/ })
  t.match(await latchkey('client', 'create', 'x', '--scope', 'two words'), { exitCode: 1, stderr: /scopes\.0 must/ })
  t.match(await latchkey('client', 'create', 'x', '--scope', 'latchkey:x'), { exitCode: 1, stderr: /latchkey:feed/ })
  t.match(await latchkey('client', 'create', 'a\u001bb', '--scope', 'x'), { exitCode: 2, stderr: /NAME must/ })
  t.match(await latchkey('client', 'delete-secret', 'client_x', 'y'), { exitCode: 1, stderr: /Nothing/ })
})
