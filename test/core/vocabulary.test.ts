import t from 'tap'
import {
  endedReasons,
  isEndedReason,
  isSigningAlgorithm,
  rolePattern,
  signingAlgorithms,
  uuidPattern
} from '../../src/core/vocabulary.js'

t.test('the reasons why a session ends are a fixed list', async (t) => {
  t.strictSame(endedReasons, [
    'logged_out',
    'replaced',
    'revoked_by_user',
    'revoked_by_admin',
    'reuse_detected',
    'password_changed',
    'password_reset',
    'user_disabled',
    'session_limit',
    'idle_timeout',
    'absolute_timeout'
  ])
  for (const reason of endedReasons) t.ok(isEndedReason(reason), reason)
  for (const text of ['', 'LOGGED_OUT', 'logged_out ', 'constructor', 'roles_changed'])
    t.notOk(isEndedReason(text), text)
})

t.test('the algorithms that can sign are a fixed list', async (t) => {
  t.strictSame(signingAlgorithms, ['ES256', 'EdDSA', 'RS256', 'HS256'])
  for (const algorithm of signingAlgorithms) t.ok(isSigningAlgorithm(algorithm), algorithm)
  for (const text of ['', 'none', 'None', 'es256', 'HS512', 'ES256 ']) t.notOk(isSigningAlgorithm(text), text)
})

t.test('a role is short, lower-case and plain', async (t) => {
  for (const role of ['a', 'admin', 'a-b_c9', `a${'b'.repeat(31)}`]) t.match(role, new RegExp(rolePattern))
  for (const role of ['', 'Admin', '9a', '-a', 'a b', 'a.b', 'é', `a${'b'.repeat(32)}`, 'a\n']) {
    t.notMatch(role, new RegExp(rolePattern))
  }
})

t.test('an id is a lower-case UUID and nothing else', async (t) => {
  const id = '0189f7a4-6d3c-4c55-9b1e-2f60718293a4'
  t.match(id, new RegExp(`^${uuidPattern}$`))
  for (const text of ['', id.toUpperCase(), ` ${id}`, `${id}\n`, id.replaceAll('-', ''), id.slice(1)]) {
    t.notMatch(text, new RegExp(`^${uuidPattern}$`))
  }
})
