import { readdir } from 'node:fs/promises'
import t from 'tap'
import { testDatabases, testFolder } from '../../support/database.js'
import { Device } from '../../support/processes/device.js'
import { freshDatabase, latchkey, processTestMilliseconds, startService } from '../../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

t.test('a process whose data folder or port is taken says so and ends; the first process goes on', async (t) => {
  const settings = await freshDatabase(t, 'embedded')
  const first = await startService(t, settings)
  const device = new Device(first.url)
  await device.signIn('/register', 'ada@example.com')

  const second = await latchkey(['serve'], settings)
  t.equal(second.code, 1)
  t.match(second.stderr, /Another process has the data folder .+ open/)
  t.match(second.stderr, /DATA_DIR.+DATABASE_URL/s, 'the message names both solutions')

  const command = await latchkey(['user', 'list'], settings)
  t.equal(command.code, 1, 'a command on that folder is refused as well')
  t.match(command.stderr, /Another process has the data folder/)

  const elsewhere = await latchkey(['serve'], {
    ...(await freshDatabase(t, 'embedded')),
    PORT: new URL(first.url).port
  })
  t.equal(elsewhere.code, 1, 'a process on a taken port ends')
  t.match(elsewhere.stderr, /Port \d+ of 127\.0\.0\.1 is taken/)

  t.equal((await device.refresh()).status, 200)
  t.equal((await new Device(first.url).signIn('/register', 'bob@example.com')).status, 201)
})

for (const kind of testDatabases(t)) {
  t.test(`a database with another root secret is refused (${kind})`, async (t) => {
    const settings = await freshDatabase(t, kind)
    const own = 'the root secret that this database was made with'
    t.equal((await latchkey(['key', 'list'], { ...settings, ROOT_SECRET: own })).code, 0)

    const other = 'some other root secret of more than 32 bytes'
    const refused = await latchkey(['serve'], { ...settings, ROOT_SECRET: other })
    t.equal(refused.code, 1)
    t.match(refused.stderr, 'This database belongs to another ROOT_SECRET')
    t.notMatch(refused.stdout + refused.stderr, other, 'no secret is shown')
  })
}

t.test('all mistakes in the settings are named at once, before any file is made', async (t) => {
  const dataDir = await testFolder(t)
  const { code, stderr, stdout } = await latchkey(['serve'], {
    DATA_DIR: dataDir,
    PORT: 'http',
    JWT_ALG: 'none',
    BCRYPT_COST: '99',
    ROOT_SECRET: 'too short',
    ADMIN_EMAIL: 'ops@example.com',
    LATCHKEY_PORT: '3000'
  })
  t.equal(code, 1)
  for (const name of ['PORT', 'JWT_ALG', 'BCRYPT_COST', 'ROOT_SECRET', 'ADMIN_PASSWORD']) {
    t.match(stderr, new RegExp(`^ +- .*\\b${name}\\b`, 'm'), `${name} is named`)
  }
  t.notMatch(stdout + stderr, 'too short', 'no secret is shown')
  t.strictSame(await readdir(dataDir), [])
})

t.test('production does not start without ROOT_SECRET', async (t) => {
  const { code, stderr } = await latchkey(['serve'], { DATA_DIR: await testFolder(t), NODE_ENV: 'production' })
  t.equal(code, 1)
  t.match(stderr, 'ROOT_SECRET is required when NODE_ENV=production')
})
