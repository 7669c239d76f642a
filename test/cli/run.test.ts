import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import { commands } from '../../src/cli/run.js'
import { commandLine } from '../support/cli/command-line.js'

t.test('without a command, all commands are listed and the exit code is 2', async (t) => {
  const { exitCode, stdout, stderr } = await commandLine([])
  t.equal(exitCode, 2)
  t.equal(stdout, '')
  for (const { name } of commands) t.match(stderr, `latchkey ${name}`)
})

t.test('a group lists only its commands', async (t) => {
  const { exitCode, stderr } = await commandLine(['session'])
  t.equal(exitCode, 2)
  t.match(stderr, 'latchkey session revoke-all')
  t.notMatch(stderr, 'latchkey user')
})

for (const words of [
  ['--help'],
  ['help'],
  ['user', '--help'],
  ...commands.map(({ name }) => [...name.split(' '), '--help'])
]) {
  t.test(`latchkey ${words.join(' ')} prints help and succeeds`, async (t) => {
    const { exitCode, stdout, stderr } = await commandLine(words)
    t.equal(exitCode, 0)
    t.match(stdout, 'latchkey')
    t.equal(stderr, '')
  })
}

const misused: readonly (readonly [string, RegExp])[] = [
  ['user create', /EMAIL is missing/],
  ['user create a@example.com b@example.com', /"b@example\.com" is not expected\./],
  ['user list --colour', /--colour/],
  ['user list --limit 0', /--limit must be/],
  ['user list --limit 201', /--limit must be/],
  ['user list --limit 1e1', /--limit must be/],
  ['session revoke', /SESSION is missing/],
  ['serve now', /"now" is not expected\./]
]

for (const [words, expected] of misused) {
  t.test(`latchkey ${words} is a usage error`, async (t) => {
    const { exitCode, stdout, stderr } = await commandLine(words.split(' '))
    t.equal(exitCode, 2)
    t.equal(stdout, '')
    t.match(stderr, expected)
    t.match(stderr, 'Usage: latchkey', 'and the right one is shown')
  })
}

t.test('an invalid setting fails with a message that names it', async (t) => {
  const { exitCode, stderr } = await commandLine(['user', 'list'], { environment: { PORT: 'x' } })
  t.equal(exitCode, 1)
  t.match(stderr, 'PORT must be a whole number')
  t.notMatch(stderr, /\n {4}at /, 'without a stack')
})

t.test('an unreachable database fails with a message that says so', async (t) => {
  const environment = { DATABASE_URL: 'postgresql://nobody:hunter2@127.0.0.1:9/none' }
  const { exitCode, stderr } = await commandLine(['user', 'list'], { environment })
  t.equal(exitCode, 1)
  t.match(stderr, /^DATABASE_URL: 127\.0\.0\.1:9 refuses connections: .*\n$/)
  t.notMatch(stderr, 'hunter2')
})

t.test(
  'only output.ts and the words of the program itself reach the terminal, so that nothing is printed raw',
  async (t) => {
    const folder = new URL('../../src/cli/', import.meta.url)
    const writers = []
    for (const name of await readdir(folder, { recursive: true })) {
      if (!name.endsWith('.js')) continue
      const text = await readFile(new URL(name, folder), 'utf8')
      if (/\.write\(|console\./.test(text)) writers.push(name)
    }
    // Of these, run.ts prints help, read-password.ts its questions, language.ts our words, and main.ts the log.
    t.strictSame(writers.sort(), ['commands/language.js', 'main.js', 'output.js', 'read-password.js', 'run.js'])
  }
)
