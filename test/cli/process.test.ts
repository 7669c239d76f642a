import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { testDataFolder } from '../support/database.js'
import { v8Flags } from '../support/processes/process.js'
import { goodPassword } from '../support/service.js'

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

/** Starts `latchkey <words>` as a process with only these settings. */
function latchkey(words: readonly string[], settings: Record<string, string> = {}): ChildProcess {
  const env = { PATH: process.env.PATH, ...settings }
  return spawn(process.execPath, [...v8Flags, main, ...words], { env, stdio: 'pipe' })
}

async function finished(child: ChildProcess) {
  const { stdout, stderr } = child
  if (stdout === null || stderr === null) throw new Error('The process has no pipes.')
  const [[code], output, errors] = await Promise.all([once(child, 'close'), text(stdout), text(stderr)])
  return { code, output, errors }
}

/** Waits for a line of the process's output and returns it. */
async function lineWith(child: ChildProcess, expected: RegExp): Promise<string> {
  if (child.stdout === null) throw new Error('The process has no pipes.')
  for await (const line of createInterface({ input: child.stdout })) if (expected.test(line)) return line
  throw new Error(`The process ended before it printed ${expected}.`)
}

t.setTimeout(120_000)

t.test('the process exits with the exit code of the command', async (t) => {
  t.match(await finished(latchkey(['--help'], { LATCHKEY_PORT: '1' })), {
    code: 0,
    output: /latchkey serve/,
    errors: ''
  })
  t.match(await finished(latchkey(['nonsense'])), { code: 2, output: '' })
  t.match(await finished(latchkey(['user', 'list'], { NODE_ENV: 'production' })), { code: 1, errors: /ROOT_SECRET/ })
})

t.test('a service', async (t) => {
  const settings = { DATA_DIR: await testDataFolder(t), PORT: '0', BCRYPT_COST: '4' }
  const child = latchkey(['serve'], settings)
  t.teardown(() => child.kill('SIGKILL'))
  const address = /http:\S+\d/.exec(await lineWith(child, /Latchkey listens at/))?.[0] ?? ''
  const { port } = new URL(address)

  t.test('finishes the current request at SIGTERM, and exits with 0', async (t) => {
    const body = JSON.stringify({ email: 'ada@example.com', password: goodPassword, mode: 'body' })
    const socket = connect(Number(port), '127.0.0.1')
    socket.setEncoding('utf8')
    socket.write('POST /register HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n')
    socket.write(`content-length: ${body.length}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n`)
    const [begun] = await once(socket, 'data')
    t.match(begun, '100 Continue', 'the request is under way')

    const ended = once(child, 'exit')
    const stopping = lineWith(child, /stopping/)
    child.kill('SIGTERM')
    await stopping
    socket.write(body)
    const answer = await text(socket)
    t.match(answer, '201 Created')
    t.match(answer, 'access_token')
    t.strictSame(await ended, [0, null])
    await t.rejects(fetch(`${address}/healthz`), 'nothing listens any more')
  })
})

t.test('a signal during the start ends a process that handles it, as the first one of a container must', async (t) => {
  const silent = createServer()
  silent.listen(0, '127.0.0.1')
  t.teardown(() => silent.close())
  await once(silent, 'listening')
  const address = silent.address()
  const port = typeof address === 'object' ? address?.port : undefined
  for (const words of ['serve', 'migrate']) {
    const child = latchkey([words], {
      DATABASE_URL: `postgresql://nobody@127.0.0.1:${port}/nowhere`,
      DATA_DIR: await testDataFolder(t)
    })
    await once(silent, 'connection')
    child.kill('SIGTERM')
    t.strictSame(await once(child, 'exit'), [143, null], words)
  }
})
