import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import t from 'tap'
import { HeartbeatLost } from '../../../src/adapters/notices/heartbeat.js'
import { redisNotices } from '../../../src/adapters/notices/redis-notices.js'
import { notedWatch } from '../../support/adapters/noted-watch.js'

const url = process.env.TEST_REDIS_URL

if (url === undefined) {
  t.pass('what needs Redis', { skip: 'TEST_REDIS_URL is not set' })
} else {
  t.test('a notice reaches the subscribers of the same name alone', async (t) => {
    const name = randomUUID()
    const { watch, changes, timed } = notedWatch()
    const notices = redisNotices(url, name, watch)
    const others = redisNotices(url, randomUUID(), notedWatch().watch)
    t.teardown(notices.close)
    t.teardown(others.close)
    const received: string[] = []
    let resolve = () => {}
    const arrived = new Promise<void>((done) => {
      resolve = done
    })
    const own = await notices.connect({
      onNotice() {
        received.push('own')
        resolve()
      },
      onLost: () => undefined
    })
    const foreign = await others.connect({ onNotice: () => received.push('foreign'), onLost: () => undefined })

    await notices.publish()
    await arrived
    await foreign.ping()
    t.strictSame(changes, ['served'])
    t.equal(timed.operations, 2, 'the first heartbeat and the notice')
    t.strictSame(received, ['own'])
    await own.close()
    await foreign.close()
  })
}

t.test('while Redis is away, connecting rejects and publishing does not', async (t) => {
  const port = await unusedPort()
  const { watch, changes } = notedWatch()
  const notices = redisNotices(`redis://127.0.0.1:${port}`, 'away', watch)
  t.teardown(notices.close)
  await t.rejects(notices.connect({ onNotice: () => undefined, onLost: () => undefined }))
  t.strictSame(changes, ['failed'])
  await t.resolves(notices.publish())
  t.strictSame(changes, ['failed'])
})

t.test('after a failure nothing is published for a second', async (t) => {
  let published = 0
  const server = createServer((socket) =>
    socket.on('data', (data) => {
      // Answers the client's questions about the server, and refuses to publish.
      for (const command of commandsIn(data)) {
        if (/publish/i.test(command)) published += 1
        socket.write(/info/i.test(command) ? '$9\r\nloading:0\r\n' : '-ERR refused\r\n')
      }
    })
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const clock = { milliseconds: 0 }
  const { watch, changes } = notedWatch()
  const notices = redisNotices(`redis://127.0.0.1:${portOf(server)}`, 'refusing', watch, () => clock.milliseconds)
  t.teardown(notices.close)
  for (const [at, expected] of [
    [0, 1],
    [0, 1],
    [999, 1],
    [1000, 2],
    [1999, 2],
    [2000, 3]
  ] as const) {
    clock.milliseconds = at
    await notices.publish()
    t.equal(published, expected, `at ${at} ms`)
  }
  t.strictSame(changes, ['failed'])
})

t.test('connecting rejects if Redis closes the connection', async (t) => {
  const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const notices = redisNotices(`redis://127.0.0.1:${portOf(server)}`, 'hanging up', notedWatch().watch)
  t.teardown(notices.close)
  await t.rejects(notices.connect({ onNotice: () => undefined, onLost: () => undefined }))
})

t.test('connecting rejects if messages do not come back, although Redis answers every command', async (t) => {
  const server = createServer((socket) =>
    socket.on('data', (data) => {
      for (const command of commandsIn(data)) {
        const [, , channel = '', , ownChannel = ''] = command.split('\r\n').slice(1)
        if (/info/i.test(command)) socket.write('$9\r\nloading:0\r\n')
        else if (/^\$\d+\r\nsubscribe/i.test(command))
          for (const [i, name] of [channel, ownChannel].entries())
            socket.write(`*3\r\n$9\r\nsubscribe\r\n$${name.length}\r\n${name}\r\n:${i + 1}\r\n`)
        else socket.write(/publish/i.test(command) ? ':1\r\n' : '+OK\r\n')
      }
    })
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const notices = redisNotices(`redis://127.0.0.1:${portOf(server)}`, 'deaf', notedWatch().watch)
  t.teardown(notices.close)
  await t.rejects(notices.connect({ onNotice: () => undefined, onLost: () => undefined }), HeartbeatLost)
})

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  return port
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** The commands that a client sent, each as it stands on the wire, without its number of parts. */
function commandsIn(data: Buffer): string[] {
  return data
    .toString()
    .split(/^\*\d+\r\n/m)
    .slice(1)
}
