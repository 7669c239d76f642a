import t from 'tap'
import { endedReasons, isEndedReason } from '../../src/core/vocabulary.js'

t.test('the reasons that clients may rely on', async (t) => {
  t.strictSame(endedReasons, [
    'logged_out',
    'revoked_by_user',
    'revoked_by_admin',
    'reuse_detected',
    'password_changed',
    'user_disabled',
    'session_limit',
    'idle_timeout',
    'absolute_timeout'
  ])
  for (const reason of endedReasons) t.ok(isEndedReason(reason), reason)
  for (const text of ['', 'LOGGED_OUT', 'logged_out ', 'constructor', 'roles_changed'])
    t.notOk(isEndedReason(text), text)
})
