import t from 'tap'
import { memoryRateLimits } from '../../src/adapters/rate-limits/memory-rate-limits.js'
import { noRateLimits, rateLimits } from '../../src/adapters/rate-limits/rate-limits.js'
import { clientGuessLimit, clientTokenLimit } from '../../src/core/rate-limits.js'
import { authenticateClient } from '../../src/service/clients/authenticate-client.js'
import { type IssueClientTokenPorts, issueClientToken } from '../../src/service/clients/issue-client-token.js'

const rightSecret = `lk_cs_${'R'.repeat(43)}`
const wrongSecret = `lk_cs_${'W'.repeat(43)}`
const limited = { name: 'Refused', code: 'too_many_requests' }

/** Limits with a stopped clock, and the outcomes and look-ups of clients. */
function setUp() {
  const seen = { lookUps: 0, outcomes: new Map<string, number>() }
  const ports = {
    rateLimits: rateLimits(memoryRateLimits({ monotonic: () => 0 }), noRateLimits),
    digest: (data: string | Uint8Array) => String(data),
    decisions: {
      note: (_kind: string, outcome: string) => void seen.outcomes.set(outcome, (seen.outcomes.get(outcome) ?? 0) + 1)
    }
  }
  const resolver = {
    async authenticate(clientId: string, secretHash: string) {
      seen.lookUps += 1
      return secretHash === rightSecret ? { clientId, secretId: 's', scopes: ['x'], now: 1_800_000_000_000 } : undefined
    }
  }
  const authenticate = (secret: string, ip = '203.0.113.1') =>
    authenticateClient(ports, resolver, { clientId: 'client_a', secret }, ip)
  return { ports, seen, authenticate }
}

t.test('wrong secrets from one network are limited; a right one always passes, and so do other networks', async (t) => {
  const { seen, authenticate } = setUp()
  for (let guess = 0; guess < clientGuessLimit.max; guess += 1) {
    t.equal(await authenticate(wrongSecret), undefined)
    t.match(await authenticate(rightSecret), { secretId: 's' })
  }
  await t.rejects(authenticate(wrongSecret), limited)
  t.match(await authenticate(rightSecret), { secretId: 's' })
  t.equal(await authenticate(wrongSecret, '198.51.100.1'), undefined)
  t.strictSame(
    [...seen.outcomes],
    [
      ['invalid_client', clientGuessLimit.max + 1],
      ['limited', 1]
    ]
  )
})

t.test('a text that cannot be a secret is refused without a look-up, and does not count', async (t) => {
  const { seen, authenticate } = setUp()
  for (let guess = 0; guess <= clientGuessLimit.max; guess += 1) t.equal(await authenticate('nonsense'), undefined)
  t.equal(seen.lookUps, 0)
  t.equal(await authenticate(wrongSecret), undefined)
})

t.test('one client gets 1,000 tokens a minute, and another client is not limited by it', async (t) => {
  const { ports, seen } = setUp()
  const issuing = {
    ...ports,
    identity: { issuer: 'https://auth.test', audiences: ['https://api.test'] },
    policy: { accessTokenTtlSeconds: 600 },
    entropy: { uuid: () => 'jti' },
    accessTokens: { sign: async () => 'a token' },
    revocations: { issuableFrom: () => 0 },
    clock: { now: () => 0 }
  } as unknown as IssueClientTokenPorts
  const issue = (clientId: string) =>
    issueClientToken(issuing, { clientId, secretId: 's', scopes: ['x'], now: 1_800_000_000_000 }, undefined)
  t.equal(clientTokenLimit.max, 1000)
  for (let token = 0; token < clientTokenLimit.max; token += 1) t.match(await issue('client_a'), { scopes: ['x'] })
  await t.rejects(issue('client_a'), limited)
  t.match(await issue('client_b'), { scopes: ['x'] })
  t.strictSame(
    [...seen.outcomes],
    [
      ['issued', clientTokenLimit.max + 1],
      ['limited', 1]
    ]
  )
})
