import t from 'tap'
import { explainRedisFault, saysWhy, UnsupportedRedis } from '../../../src/adapters/redis/redis-fault.js'

for (const [message, expected] of [
  ['WRONGPASS invalid username-password pair or user is disabled.', 'cache:6379 refuses the password'],
  ['NOAUTH Authentication required.', 'cache:6379 asks for a password, and REDIS_URL has none'],
  ['connect ECONNREFUSED 10.0.0.1:6379', 'cache:6379 refuses connections'],
  ['getaddrinfo ENOTFOUND cache', 'the host of cache:6379 is unknown ("getaddrinfo ENOTFOUND cache")'],
  ['Command timed out', 'cache:6379 does not answer'],
  ["READONLY You can't write against a read only replica.", 'cache:6379 is a replica (READONLY): name the primary'],
  ['OOM command not allowed', 'cache:6379: "OOM command not allowed"'],
  ['ERR a\n\u001b[2J b', 'cache:6379: "ERR a [2J b"']
] as const) {
  t.test(`"${message}" is explained`, async (t) => {
    t.equal(explainRedisFault(new Error(message), 'cache:6379').message, expected)
  })
}

t.test('an error that only says that there is no connection does not say why', async (t) => {
  for (const message of ['Reached the max retries per request limit (which is 0).', 'Connection is closed.']) {
    t.notOk(saysWhy(new Error(message)))
  }
  t.ok(saysWhy(new Error('NOAUTH Authentication required.')))
})

t.test('a node of a cluster is named as such', async (t) => {
  const fault = explainRedisFault(new Error('MOVED 3999 127.0.0.1:6381'), 'cache:6379')
  t.ok(fault instanceof UnsupportedRedis)
  t.match(fault.message, /^cache:6379 is a node of a Redis Cluster, which is not supported \(MOVED\)/)
})
