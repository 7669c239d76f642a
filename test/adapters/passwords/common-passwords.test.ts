import t from 'tap'
import { isCommonPassword } from '../../../src/adapters/passwords/common-passwords.js'

t.test('the most frequent leaked passwords are common, from the first to the last of the list', async (t) => {
  for (const password of ['password', 'iloveyou', 'qwerty123', '1q2w3e4r', 'p@ssw0rd', 'trustno1', 'dalmatio']) {
    t.ok(isCommonPassword(password), password)
  }
})

t.test('sequences are common', async (t) => {
  for (const password of [
    'abcdefgh',
    '87654321',
    'zzzzzzzz',
    '0123456789',
    'aaaaaaaaaaaaaaaaaaaaaaaa',
    '😀'.repeat(8)
  ]) {
    t.ok(isCommonPassword(password), password)
  }
})

t.test('other passwords are not common, even if they contain a common one', async (t) => {
  const others = [
    'correct horse battery staple',
    'my latchkey is blue',
    'password of a kind',
    'iloveyou and nobody else',
    'acegikmo',
    'xk7!mq2p',
    'passwor',
    'iloveyou computer',
    '日本語のパスワード'
  ]
  for (const password of others) t.notOk(isCommonPassword(password), password)
})
