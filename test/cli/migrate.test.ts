import { readdir } from 'node:fs/promises'
import t from 'tap'
import { commandLine } from '../support/cli/command-line.js'
import { testDataFolder, testFolder } from '../support/database.js'

t.test('migrate reports what it applies, and that the database is up to date', async (t) => {
  const environment = { DATA_DIR: await testFolder(t), ROOT_SECRET: '' }
  const { exitCode, stdout, stderr } = await commandLine(['migrate'], { environment })
  t.equal(exitCode, 0)
  t.equal(stdout, 'The database is up to date.\n')
  t.match(stderr, /^\d+_initial: applying\.\n/)
  t.notOk((await readdir(environment.DATA_DIR)).includes('root-secret'), 'it makes no secret')
  t.match(await commandLine(['migrate', '--json'], { environment }), {
    exitCode: 0,
    stdout: '{"status":"ok"}\n',
    stderr: ''
  })
})

t.test('migrate looks only at the settings that name the database', async (t) => {
  const environment = { DATA_DIR: await testDataFolder(t), PORT: 'x', NODE_ENV: 'production', ROOT_SECRET: '' }
  t.match(await commandLine(['migrate'], { environment }), { exitCode: 0, stderr: '' })
  const wrong = await commandLine(['migrate'], { environment: { ...environment, DATABASE_URL: 'mysql://db' } })
  t.match(wrong, { exitCode: 1, stderr: /DATABASE_URL must be/ })
})

t.test('migrate --mark-applied records a migration without running it', async (t) => {
  const environment = { DATA_DIR: await testFolder(t) }
  const triggers = ['20261122010000_revocation_feed', '20261122020000_signing_key_notice']
  const { exitCode, stderr } = await commandLine(['migrate', ...triggers.flatMap((name) => ['--mark-applied', name])], {
    environment
  })
  t.equal(exitCode, 0)
  for (const name of triggers) t.match(stderr, `${name}: recorded as applied, and not run.\n`)
  t.match(await commandLine(['migrate', '--mark-applied', '1_none'], { environment }), {
    exitCode: 1,
    stderr: 'There is no migration 1_none in this version.\n'
  })
})
