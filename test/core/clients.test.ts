import { randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import { clientIdOf, formatClientSecret, hintOfSecret, isClientSecret, uuidOfClient } from '../../src/core/clients.js'

t.test('the id of a client is its UUID with a prefix, which no id of a user has', async (t) => {
  const uuid = randomUUID()
  t.equal(uuidOfClient(clientIdOf(uuid)), uuid)
  for (const text of ['', uuid, `client_${uuid}x`, `xclient_${uuid}`, `client_${uuid.toUpperCase()}`, 'latchkey']) {
    t.equal(uuidOfClient(text), undefined, text)
  }
})

t.test('a secret has a prefix and 256 bits, and a hint that gives only its end away', async (t) => {
  const secret = formatClientSecret(randomBytes(32))
  t.match(secret, /^lk_cs_[A-Za-z0-9_-]{43}$/)
  t.ok(isClientSecret(secret))
  t.equal(hintOfSecret(secret), secret.slice(-4))
  for (const text of ['', secret.slice(1), `${secret}x`, secret.replace('lk_cs_', 'lk_rt_')])
    t.notOk(isClientSecret(text))
})
