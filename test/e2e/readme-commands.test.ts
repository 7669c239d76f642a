import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { testFolder } from '../support/database.js'
import { freshDatabase, main, patienceMilliseconds, startService } from '../support/processes/process.js'
import { type Block, freePort, pattern, readmeBlocks } from '../support/processes/readme.js'

t.setTimeout(patienceMilliseconds)

/** What CI does by itself, in a fresh clone. */
const runElsewhere = ['npm ci && npm start\n', 'npm ci && npm test\n']
const separator = '--- end of block ---\n'

t.test('the commands of the README print what it says', async (t) => {
  const port = await freePort()
  const admin = { ADMIN_EMAIL: 'ops@example.com', ADMIN_PASSWORD: 'a password for ops alone' }
  const settings = { ...(await freshDatabase(t, 'embedded')), ...admin, PORT: String(port) }
  const cwd = await testFolder(t)
  const commands = (await readmeBlocks(port)).filter(
    ({ language, code }) => language === 'sh' && !runElsewhere.includes(code)
  )
  const [ofService, ofCommandLine] = [false, true].map((offline) =>
    commands.filter(({ code }) => code.startsWith('npx latchkey') === offline)
  )

  async function check(blocks: readonly Block[] = []) {
    t.ok(blocks.length > 0)
    const script = blocks.map(({ code }) => `${code}printf '\\n%s' '${separator}'`).join('\n')
    // `npx latchkey` is what this test was built with, and not what npm would find.
    const npx = `npx() { shift; '${process.execPath}' '${main}' "$@"; }\n`
    // tap puts a module of its own into every process, and Node 24 cannot run `node -p` with it.
    const asUsers = `unset NODE_OPTIONS\n${npx}`
    const { stdout } = await promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', asUsers + script], {
      cwd,
      env: { PATH: process.env.PATH, ...settings }
    })
    const printed = stdout.replaceAll('\r\n', '\n').split(separator)
    for (const [i, { code, prints = '' }] of blocks.entries()) t.match(printed[i]?.trim(), pattern(prints), code)
  }

  const service = await startService(t, settings)
  await check(ofService)
  await service.stop()
  await check(ofCommandLine)
})
