import { createHmac } from 'node:crypto'
import bcrypt from 'bcrypt'
import t from 'tap'
import { passwordHasher } from '../../../src/adapters/passwords/password-hasher.js'
import { type PasswordQueue, passwordQueue } from '../../../src/adapters/passwords/password-queue.js'
import { Unavailable } from '../../../src/ports/errors.js'

const queue = passwordQueue({ maxRunning: 2, maxWaiting: 100 })
const hasher = passwordHasher({ cost: 4, queue })
const source = { network: '192.0.2.1', knownDevice: false }

t.test('a password verifies against its own hash alone, and two hashes of it differ', async (t) => {
  const [one, two] = [await hasher.hash('correct horse', source), await hasher.hash('correct horse', source)]
  t.match(one, /^lk1:\$2b\$04\$/)
  t.not(one, two)
  t.ok(await hasher.verify('correct horse', one, source))
  t.notOk(await hasher.verify('correct horsf', one, source))
  t.notOk(await hasher.verify('', one, source))
})

t.test('bcrypt gets the base64 of an HMAC-SHA-384, 64 characters', async (t) => {
  const preHashed = createHmac('sha384', 'latchkey password v1').update('pässword').digest('base64')
  t.equal(preHashed.length, 64)
  t.ok(await hasher.verify('pässword', `lk1:${await bcrypt.hash(preHashed, 4)}`, source))
})

t.test(
  'every byte of a password counts: at 71 to 73 and 255 to 257 bytes, after a NUL, in case and blanks',
  async (t) => {
    for (const length of [71, 72, 73, 255, 256, 257, 1024]) {
      const password = 'x'.repeat(length)
      const hash = await hasher.hash(password, source)
      t.ok(await hasher.verify(password, hash, source), `${length} bytes`)
      t.notOk(await hasher.verify(`${password}x`, hash, source), `${length} bytes and one more`)
      t.notOk(await hasher.verify(`${'x'.repeat(length - 1)}y`, hash, source), `${length} bytes, the last one changed`)
    }
    const withNul = await hasher.hash('before\0after', source)
    t.ok(await hasher.verify('before\0after', withNul, source))
    t.notOk(await hasher.verify('before\0other', withNul, source))
    t.notOk(await hasher.verify('before', withNul, source))
    t.notOk(await hasher.verify('Before\0after', withNul, source))
    t.notOk(await hasher.verify(' before\0after', withNul, source))
  }
)

t.test('hashes of other systems verify as plain bcrypt', async (t) => {
  // The published test vector of crypt_blowfish.
  const hash = '$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'
  for (const version of ['$2a', '$2b', '$2y']) {
    t.ok(await hasher.verify('U*U', version + hash, source), version)
    t.notOk(await hasher.verify('U*V', version + hash, source), version)
    t.ok(hasher.isOutdated(version + hash), version)
  }
  t.notOk(await hasher.verify('U*U', `lk1:$2b${hash}`, source), 'a plain bcrypt hash does not verify as one of ours')
})

t.test('a hash of lower cost or unknown format is outdated; one of equal or higher cost is not', async (t) => {
  const hash = await hasher.hash('correct horse', source)
  t.notOk(hasher.isOutdated(hash))
  t.ok(passwordHasher({ cost: 5, queue }).isOutdated(hash))
  t.notOk(hasher.isOutdated(hash.replace('$04$', '$05$')))
  t.ok(hasher.isOutdated('$argon2id$v=19$m=65536'))
})

t.test('without a hash, or with one of unknown format, no password verifies', async (t) => {
  t.notOk(await hasher.verify('correct horse', undefined, source))
  t.notOk(await hasher.verify('', undefined, source))
  for (const hash of ['', 'lk1:', '$2b$04$short', '$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW']) {
    t.notOk(await hasher.verify('U*U', hash, source), hash)
  }
})

t.test(
  'verifying without a hash, with a foreign format or a cheaper hash takes as much work as with a real one',
  async (t) => {
    const slow = passwordHasher({ cost: 9, queue })
    const known = await slow.hash('correct horse', source)
    const cheap = await hasher.hash('correct horse', source)
    const hashes = { 'a real hash': known, 'no hash': undefined, 'foreign format': 'x', 'cheaper hash': cheap }
    const least: Record<string, number> = {}
    // The kinds take turns, so that other work of the machine affects them equally. CPU time of all threads, not elapsed time.
    for (let round = 0; round < 15; round++) {
      for (const [name, hash] of Object.entries(hashes)) {
        const before = process.cpuUsage()
        await slow.verify('wrong horse', hash, source)
        least[name] = Math.min(least[name] ?? Number.POSITIVE_INFINITY, process.cpuUsage(before).user)
      }
    }
    const { 'a real hash': reference = 0, ...others } = least
    for (const [name, work] of Object.entries(others)) {
      const ratio = work / reference
      t.ok(ratio > 0.6 && ratio < 1.7, `${name}: ${ratio.toFixed(2)} of the work of a real hash`)
    }
  }
)

t.test('hashing and verifying both wait in the queue', async (t) => {
  let turns = 0
  const queue: PasswordQueue = {
    run(work) {
      turns += 1
      return work()
    },
    requireRoom: async () => Promise.reject(new Unavailable('full'))
  }
  const counting = passwordHasher({ cost: 4, queue })
  await t.rejects(counting.requireRoom(source), new Unavailable('full'))
  await counting.verify('x', await counting.hash('x', source), source)
  await counting.verify('x', undefined, source)
  t.equal(turns, 3)
})
