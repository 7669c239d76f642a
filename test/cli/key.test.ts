import t from 'tap'
import { openAdapters } from '../../src/composition.js'
import { loadConfig } from '../../src/config/read-config.js'
import { commandLine } from '../support/cli/command-line.js'
import { openTestDatabase } from '../support/database.js'
import { testEnvironment } from '../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const { ports, close } = await openAdapters(loadConfig(testEnvironment), { database })
t.teardown(close)
const latchkey = (words: string) => commandLine(words.split(' '), { opened: { ports, close: async () => {} } })

t.test('key list shows every key with its state', async (t) => {
  t.match(await latchkey('key list'), { exitCode: 0, stdout: /^kid +alg +state .*\n\S{43} +ES256 +active .* -\n$/ })
  const { keys } = JSON.parse((await latchkey('key list --json')).stdout)
  t.match(keys, [{ alg: 'ES256', state: 'active', signs_from: /Z$/, retires_at: null }])
})

t.test('key rotate --dry-run prints what would happen and changes nothing', async (t) => {
  t.match(await latchkey('key rotate --dry-run'), {
    exitCode: 0,
    stdout: /^A new key would sign at \S+Z\. The keys would be:\nkid .*\n- +ES256 +published/
  })
  t.match(await latchkey('key rotate --dry-run --revoke-old'), {
    exitCode: 0,
    stdout: /^A new key would sign at once\. .*\n.*\n- +ES256 +active .*\n\S+ +ES256 +retired/
  })
  t.equal((await ports.signingKeys.list()).length, 1)
})

t.test('key rotate publishes the next key, once', async (t) => {
  t.match(await latchkey('key rotate'), { exitCode: 0, stdout: /^The new key signs at \S+Z\. The keys are:\n/ })
  t.match(await latchkey('key rotate'), {
    exitCode: 0,
    stdout: /^The next key is published already; nothing was changed\.\n/
  })
  t.match(JSON.parse((await latchkey('key rotate --json')).stdout), {
    dry_run: false,
    rotated: false,
    keys: [{ state: 'published' }, { state: 'active', retires_at: /Z$/ }]
  })
})

t.test('key rotate --revoke-old retires all others at once', async (t) => {
  const { keys } = JSON.parse((await latchkey('key rotate --revoke-old --json')).stdout)
  t.match(keys, [{ state: 'active' }, { state: 'retired' }, { state: 'retired' }])
  t.equal(ports.accessTokens.jwks().keys.length, 1)
  const { items } = await ports.events.list({ type: 'signing_key_rotated' }, { limit: 10 })
  t.match(items, [
    { reason: 'revoke_old', userAgent: 'latchkey command line' },
    { reason: 'requested', actorId: null }
  ])
})

t.test('an unknown operand or option is refused', async (t) => {
  t.equal((await latchkey('key rotate now')).exitCode, 2)
  t.equal((await latchkey('key rotate --revoke_old')).exitCode, 2)
  t.equal((await ports.signingKeys.list()).length, 3)
})
