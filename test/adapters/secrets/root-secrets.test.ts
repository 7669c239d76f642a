import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type RootSecretOptions, rootSecrets } from '../../../src/adapters/secrets/root-secrets.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'

const purpose = 'refresh token v1'
const long = (character: string) => character.repeat(32)

function options(dataDir: string, rest: Partial<RootSecretOptions> = {}): RootSecretOptions {
  return { dataDir, required: false, entropy: systemEntropy, ...rest }
}

t.test('configured secrets keep their order, and no file is read or made', async (t) => {
  const dataDir = join(t.testdir(), 'data')
  const secrets = await rootSecrets(options(dataDir, { configured: [long('n'), long('o')] }))
  const alone = await rootSecrets(options(dataDir, { configured: [long('o')] }))
  t.equal(secrets.length, 2)
  t.strictSame(secrets[1]?.deriveKey(purpose), alone[0].deriveKey(purpose))
  t.notSame(secrets[0].deriveKey(purpose), alone[0].deriveKey(purpose))
  await t.rejects(stat(dataDir), { code: 'ENOENT' })
})

t.test('each purpose gets its own key, by HKDF-SHA256 of the secret', async (t) => {
  const [secret] = await rootSecrets(options(t.testdir(), { configured: [long('k')] }))
  const pseudoRandomKey = createHmac('sha256', Buffer.alloc(32)).update(long('k')).digest()
  const expected = createHmac('sha256', pseudoRandomKey).update('latchkey refresh token v1').update('\x01').digest()
  t.equal(Buffer.from(secret.deriveKey(purpose)).toString('hex'), expected.toString('hex'))
  t.notSame(secret.deriveKey('session token v1'), secret.deriveKey(purpose))
  t.ok(secret.id >= 0 && secret.id <= 255)
})

t.test('a secret of 31 bytes is refused by its position, and the message does not show it', async (t) => {
  const short = 's'.repeat(31)
  await t.rejects(rootSecrets(options(t.testdir(), { configured: [long('n'), short] })), {
    name: 'RootSecretError',
    message: /^Root secret number 2 has 31 bytes; it takes at least 32/
  })
  await rootSecrets(options(t.testdir(), { configured: [short] })).catch((error: Error) => {
    t.notMatch(error.message, short)
  })
  await t.resolves(rootSecrets(options(t.testdir(), { configured: ['ä'.repeat(16)] })), 'bytes count, not characters')
})

t.test('production does not start without a configured secret, even if the data folder has one', async (t) => {
  const dataDir = t.testdir()
  await rootSecrets(options(dataDir))
  await t.rejects(rootSecrets(options(dataDir, { required: true, configured: [] })), {
    name: 'RootSecretError',
    message: /ROOT_SECRET is not set/
  })
})

t.test('the first start makes a secret that only its owner can read, and the next start uses it', async (t) => {
  const dataDir = join(t.testdir(), 'new', 'data')
  const [made] = await rootSecrets(options(dataDir))
  const [found] = await rootSecrets(options(dataDir))
  t.strictSame(found.deriveKey(purpose), made.deriveKey(purpose))
  t.equal((await stat(join(dataDir, 'root-secret'))).mode & 0o777, 0o600)
  t.equal((await stat(dataDir)).mode & 0o777, 0o700)
  t.strictSame(await readdir(dataDir), ['root-secret'], 'no draft is left')
  const [other] = await rootSecrets(options(t.testdir({ other: {} })))
  t.notSame(other.deriveKey(purpose), made.deriveKey(purpose))
})

t.test('the secret in the file can be pasted into ROOT_SECRET', async (t) => {
  const dataDir = t.testdir()
  const [kept] = await rootSecrets(options(dataDir))
  const text = (await readFile(join(dataDir, 'root-secret'), 'utf8')).trim()
  t.match(text, /^[\w-]{43}$/, '32 bytes in base64url')
  const [pasted] = await rootSecrets(options(dataDir, { configured: [text] }))
  t.strictSame(pasted.deriveKey(purpose), kept.deriveKey(purpose))
})

t.test('ten processes that start at once get the same secret', async (t) => {
  const dataDir = t.testdir()
  const started = await Promise.all(Array.from({ length: 10 }, () => rootSecrets(options(dataDir))))
  const keys = started.map(([secret]) => Buffer.from(secret.deriveKey(purpose)).toString('hex'))
  t.equal(new Set(keys).size, 1)
  t.strictSame(await readdir(dataDir), ['root-secret'])
})

t.test('a secret that another process makes meanwhile is used, not replaced', async (t) => {
  const dataDir = t.testdir()
  const theirs = 't'.repeat(43)
  const uuid = () => {
    writeFileSync(join(dataDir, 'root-secret'), theirs, { mode: 0o600 })
    return systemEntropy.uuid()
  }
  const [secret] = await rootSecrets(options(dataDir, { entropy: { ...systemEntropy, uuid } }))
  const [expected] = await rootSecrets(options(dataDir, { configured: [theirs] }))
  t.strictSame(secret.deriveKey(purpose), expected.deriveKey(purpose))
  t.strictSame(await readdir(dataDir), ['root-secret'])
})

t.test('a file that other users can read is refused', { skip: process.platform === 'win32' }, async (t) => {
  const dataDir = t.testdir()
  await rootSecrets(options(dataDir))
  for (const mode of [0o640, 0o604, 0o620]) {
    await chmod(join(dataDir, 'root-secret'), mode)
    await t.rejects(rootSecrets(options(dataDir)), { name: 'RootSecretError', message: /chmod 600/ })
  }
})

t.test('a truncated file is refused, not replaced', async (t) => {
  const dataDir = t.testdir()
  await writeFile(join(dataDir, 'root-secret'), 'half', { mode: 0o600 })
  await t.rejects(rootSecrets(options(dataDir)), { name: 'RootSecretError', message: /has 4 bytes/ })
  t.equal(await readFile(join(dataDir, 'root-secret'), 'utf8'), 'half')
})

t.test('a folder in place of the file is reported as EISDIR', async (t) => {
  const dataDir = t.testdir()
  await mkdir(join(dataDir, 'root-secret'), { mode: 0o700 })
  await t.rejects(rootSecrets(options(dataDir)), { code: 'EISDIR' })
})
