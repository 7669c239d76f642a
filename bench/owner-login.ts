import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { Agent } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { addressOf, at, must, person, printMachine, send, withLatchkey } from './service.js'

/**
 * How long the owner's login on a known device takes while three addresses send wrong passwords, each as many as it is
 * allowed and without a pause (fault 51 of docs/security.md). The attackers come from 127.0.0.2, 127.0.0.3 and
 * 127.0.0.4, the owner from 127.0.0.1. Uses the PostgreSQL server of TEST_DATABASE_URL, or else the embedded database.
 *
 *   node scripts/compile.js && node build/bench/owner-login.js 120
 */
const seconds = Number(process.argv[2] ?? 120)
const attackers = ['127.0.0.2', '127.0.0.3', '127.0.0.4']
const connectionsEach = 32
const idleLogins = 30

/** Sends wrong passwords for ever new addresses on all connections. On a message, reports how it was answered and exits. */
function attack(url: string): void {
  const counts: Record<string, number> = {}
  const loop = async (agent: Agent): Promise<never> => {
    for (;;) {
      const payload = { email: `${randomUUID()}@example.test`, password: 'a wrong password' }
      const status = await send(agent, `${url}/login`, 'POST', payload).then(
        (answer) => String(answer.status),
        () => 'no response'
      )
      counts[status] = (counts[status] ?? 0) + 1
    }
  }
  for (const localAddress of attackers) {
    const agent = new Agent({ keepAlive: true, localAddress })
    for (let i = 0; i < connectionsEach; i++) void loop(agent)
  }
  process.on('message', () => {
    process.send?.(counts)
    process.disconnect()
    process.exit()
  })
}

async function measure(child: ChildProcess): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  try {
    const url = await addressOf(child)
    const registered = JSON.parse(must(await send(agent, `${url}/register`, 'POST', person)))
    const payload = { ...person, device_token: registered.device_token }
    const refused: Record<string, number> = {}
    const login = async () => {
      const startedAt = performance.now()
      const { status } = await send(agent, `${url}/login`, 'POST', payload)
      if (status !== 200) refused[status] = (refused[status] ?? 0) + 1
      return performance.now() - startedAt
    }

    for (let i = 0; i < 5; i++) await login()
    const idle: number[] = []
    for (let i = 0; i < idleLogins; i++) idle.push(await login())

    const attacker = fork(new URL(import.meta.url), ['attack', url])
    const flooded: number[] = []
    // At random moments, so that no login waits for the same phase of each minute's burst.
    for (const end = performance.now() + seconds * 1000; performance.now() < end && flooded.length < 60; ) {
      await delay(Math.random() * 2 * (seconds / 60) * 1000)
      flooded.push(await login())
    }
    const answered = new Promise((resolve) => attacker.once('message', resolve))
    attacker.send('stop')
    print('idle', idle)
    print('during the attack', flooded)
    console.log(
      `owner not answered 200: ${JSON.stringify(refused)}; attack answered: ${JSON.stringify(await answered)}`
    )
  } finally {
    agent.destroy()
    child.kill('SIGTERM')
  }
}

function print(name: string, times: number[]): void {
  times.sort((a, b) => a - b)
  console.log(`${name}: p50 ${at(times, 0.5)}, p90 ${at(times, 0.9)}, max ${at(times, 1)} ms (${times.length} logins)`)
}

const [, , role, url = ''] = process.argv
if (role === 'attack') attack(url)
else {
  printMachine()
  await withLatchkey({}, measure)
}
