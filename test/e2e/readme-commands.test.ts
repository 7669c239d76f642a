import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { testFolder } from '../support/database.js'
import { freshDatabase, main, processTestMilliseconds, startService, v8Flags } from '../support/processes/process.js'
import { type Block, blocksOf, freePort, pattern } from '../support/processes/readme.js'

t.setTimeout(processTestMilliseconds)

/** CI runs the first by itself, in a fresh clone, and readme-code.test.ts runs the others. */
const runElsewhere = /^npm ci && npm start$|reports\.secret/m
/** In this order: a page uses the variables and sessions of the pages before it. */
const pages = ['README.md', 'docs/client.md', 'docs/operations.md']
const separator = '--- end of block ---\n'

t.test('the commands of the README and of the pages after it print what the pages show', async (t) => {
  const port = await freePort()
  const admin = { ADMIN_EMAIL: 'ops@example.com', ADMIN_PASSWORD: 'a password for ops alone' }
  // The names of cookies are those at localhost:3000.
  const names = { COOKIE_NAME_SUFFIX: 'none' }
  const settings = { ...(await freshDatabase(t, 'embedded')), ...admin, ...names, PORT: String(port) }
  const cwd = await testFolder(t)
  const blocks = (await Promise.all(pages.map((page) => blocksOf(page, port)))).flat()
  const commands = blocks.filter(({ language, code }) => language === 'sh' && !runElsewhere.test(code))
  const [ofService, ofCommandLine] = [false, true].map((offline) =>
    commands.filter(({ code }) => code.startsWith('npx latchkey') === offline)
  )

  async function check(blocks: readonly Block[] = []) {
    t.ok(blocks.length > 0)
    const script = blocks.map(({ code }) => `${code}printf '\\n%s' '${separator}'`).join('\n')
    // Run the build under test, not the package that npx would find.
    const npx = `npx() { shift; '${process.execPath}' ${v8Flags.join(' ')} '${main}' "$@"; }\n`
    // tap loads a module into every process by NODE_OPTIONS, and Node 24 cannot run `node -p` with it.
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
