import fc from 'fast-check'
import t from 'tap'
import {
  hasPassword,
  judgePassword,
  maxPasswordBytes,
  noPasswordHash,
  utf8Length
} from '../../src/core/password-policy.js'

const policy = { minLength: 8 }
const none = () => false
const judge = (password: string, context: readonly string[] = [], isCommon: (lowerCase: string) => boolean = none) =>
  judgePassword(password, policy, context, isCommon)

t.test('length counts characters, not code units', async (t) => {
  t.equal(judge('1234567'), 'password_too_short')
  t.equal(judge('12345678'), undefined)
  t.equal(judge('😀'.repeat(7)), 'password_too_short')
  t.equal(judge('😀'.repeat(8)), undefined)
  t.equal(judge(''), 'password_too_short')
})

t.test('there are no composition rules', async (t) => {
  for (const password of ['        ', 'aaaaaaaa', '\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000', ' trailing ']) {
    t.equal(judge(password), undefined, JSON.stringify(password))
  }
})

t.test('a password has at most 1024 bytes', async (t) => {
  t.equal(maxPasswordBytes, 1024)
  t.equal(judge('a'.repeat(1024)), undefined)
  t.equal(judge('a'.repeat(1025)), 'password_too_long')
  t.equal(judge('😀'.repeat(256)), undefined)
  t.equal(judge(`${'😀'.repeat(256)}a`), 'password_too_long')
  t.equal(judge('\ufdfd'.repeat(64)), undefined, '64 characters of any script fit')
  const asked: string[] = []
  t.equal(
    judgePassword('A'.repeat(1025), { minLength: 2000 }, [], (it) => asked.push(it) > 0),
    'password_too_long'
  )
  t.strictSame(asked, [], 'what is too long is not looked up')
})

t.test('common passwords are looked up in lower case', async (t) => {
  const isCommon = (lowerCase: string) => lowerCase === 'password1'
  t.equal(judge('PassWord1', [], isCommon), 'password_too_common')
  t.equal(judge('PassWord1 ', [], isCommon), undefined)
  t.equal(
    judge('pass', [], () => true),
    'password_too_short',
    'a short one is called short'
  )
})

t.test('a word of the account is refused as a password', async (t) => {
  const context = ['Ann.Lee@Example.com', 'ExampleAuth']
  t.equal(judge('ann.lee@EXAMPLE.com', context), 'password_too_common')
  t.equal(judge('exampleauth', context), 'password_too_common')
  t.equal(judge('exampleauth-and-more', context), undefined)
})

t.test('a word of the account with digits and signs around it is refused', async (t) => {
  const context = ['latchkey', 'ada99', 'Ada', 'acme']
  for (const password of [
    'latchkey',
    'LatchKey2026',
    '!!latchkey!!',
    'acme-2026!',
    '#1acme#1',
    'acmeacme',
    'ada99 2026'
  ]) {
    t.equal(judge(password, context), 'password_too_common', password)
  }
  for (const password of ['my latchkey is blue', 'acmebiscuits', '1234ada5', 'latchkez2026', 'ada2026!']) {
    t.equal(judge(password, context), undefined, password)
  }
})

t.test('utf8Length counts the bytes that Node.js writes', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => utf8Length(text) === Buffer.byteLength(text)),
    { seed: 24, numRuns: 1000 }
  )
  const edges = [
    '\u0000',
    '\u007f',
    '\u0080',
    '\u07ff',
    '\u0800',
    '\uffff',
    '\u{10000}',
    '\u{10ffff}',
    '\ud800',
    '\udfff'
  ]
  for (const text of edges) t.equal(utf8Length(text), Buffer.byteLength(text), JSON.stringify(text))
})

t.test('the stored hash shows that an account has no password, and differs for each account', async (t) => {
  t.equal(hasPassword(noPasswordHash('1')), false)
  t.not(noPasswordHash('1'), noPasswordHash('2'))
  for (const hash of ['lk1:$2b$12$abc', '$2y$10$abc', '']) t.equal(hasPassword(hash), true, hash)
})
