import fc from 'fast-check'
import t from 'tap'
import { maskedAddress, readEmail } from '../../src/core/email.js'

const key = (text: string) => readEmail(text)?.key

t.test('an address is kept as typed, its key folded', async (t) => {
  t.strictSame(readEmail('  Ann.Lee+news@Example.COM\n'), {
    address: 'Ann.Lee+news@Example.COM',
    key: 'ann.lee+news@example.com',
    olderKey: 'ann.lee+news@example.com'
  })
  t.match(readEmail('e\u0301@x.org'), { address: 'é@x.org', key: 'é@x.org' }, 'composed')
  t.equal(key('root@localhost'), 'root@localhost', 'a host of one label')
})

t.test('all spellings of an address belong to one account', async (t) => {
  const twins: readonly (readonly [what: string, one: string, other: string])[] = [
    ['case', 'ANN@X.ORG', 'ann@x.org'],
    ['composed and decomposed', '\u00e9@x.org', 'e\u0301@x.org'],
    ['full-width letters', 'ａｎｎ@x.org', 'ann@x.org'],
    ['a full-width at sign', 'ann＠x.org', 'ann@x.org'],
    ['a ligature', 'o\ufb03ce@x.org', 'office@x.org'],
    ['the Kelvin sign', '\u212Aim@x.org', 'kim@x.org'],
    ['the two small sigmas', 'νίκος@x.org', 'ΝΊΚΟΣ@X.ORG'],
    ['a sigma inside', 'νίκοσα@x.org', 'νίκοςα@x.org'],
    ['the German capital', 'STRASSE@x.org', 'straße@x.org'],
    ['the new German capital', 'STRA\u1E9EE@x.org', 'straße@x.org'],
    ['the dotless i', 'm\u0131ke@x.org', 'mike@x.org']
  ]
  for (const [what, one, other] of twins) {
    t.type(key(one), 'string', what)
    t.equal(key(one), key(other), what)
  }
  t.not(key('a.nn@x.org'), key('ann@x.org'), 'dots tell apart')
  t.not(key('ann+x@x.org'), key('ann@x.org'), 'tags tell apart')
  t.not(key('İ@x.org'), key('i@x.org'), 'a dot that is seen tells apart')
})

t.test('every letter has the key of its capital, and a key is its own key', async (t) => {
  const wrong: string[] = []
  for (let point = 0; point < 0x110000; point++) {
    if (point >= 0xd800 && point < 0xe000) continue
    const address = `a${String.fromCodePoint(point)}b@x.org`
    const found = key(address)
    if (found === undefined) continue
    if (key(found) !== found) wrong.push(`${point.toString(16)} again`)
    if (key(address.toUpperCase()) !== found) wrong.push(`${point.toString(16)} in capitals`)
    if (key(address.toLowerCase()) !== found) wrong.push(`${point.toString(16)} in small letters`)
  }
  t.strictSame(wrong, [])
})

t.test('the key of any text is its own key', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (local) => {
      const found = key(`${local}@x.org`)
      return found === undefined || key(found) === found
    }),
    { seed: 23, numRuns: 2000 }
  )
  t.pass('2,000 addresses')
})

t.test('other texts are refused', async (t) => {
  const texts = {
    nothing: '',
    'no at sign': 'ann',
    'no local part': '@x.org',
    'no host': 'ann@',
    'two at signs': 'ann@lee@x.org',
    'a second at sign, full width': 'ann＠lee@x.org',
    'a blank inside': 'ann lee@x.org',
    'a blank that folding makes': 'ann\u00a8@x.org',
    'an empty label': 'ann@x..org',
    'a dot first': 'ann@.org',
    'a dot last': 'ann@x.org.',
    'an empty label that folding makes': 'ann@x\u2026org',
    NUL: 'ann\u0000@x.org',
    'a line end inside': 'ann\n@x.org',
    'half a character': 'ann\ud800@x.org',
    'a zero-width blank': 'ann\u200b@x.org',
    'a soft hyphen': 'an\u00adn@x.org',
    'a variation selector': 'ann\ufe0f@x.org',
    'an invisible letter': 'ann\u3164@x.org',
    'an invisible letter in the host': 'ann@x\u115f.org',
    'text that is turned around': 'ann\u202e@x.org'
  }
  for (const [what, text] of Object.entries(texts)) t.equal(readEmail(text), undefined, what)
})

t.test('an address has at most 254 characters, before and after folding', async (t) => {
  t.equal(key(`${'a'.repeat(248)}@x.org`)?.length, 254)
  t.equal(key(`${'a'.repeat(249)}@x.org`), undefined)
  t.equal(key(`${'\ufdfa'.repeat(20)}@x.org`), undefined, 'short as typed, too long once folded')
  t.equal(key(`${'각'.normalize('NFD').repeat(83)}@x.org`)?.length, 89, 'long as typed, short once composed')
  t.equal(key(`${'\ufb1d'.repeat(125)}@x.org`), undefined, 'a character that composing takes apart')
})

t.test('all spellings of an internationalized domain are one domain, in ASCII', async (t) => {
  for (const domain of [
    'bücher.example',
    'BÜCHER.EXAMPLE',
    'bu\u0308cher.example',
    'ｂücher.example',
    'bücher．example',
    'bücher。example',
    'bücher｡example',
    'xn--bcher-kva.example',
    'XN--BCHER-KVA.Example',
    'ｘn--bcher-kva.example'
  ]) {
    t.equal(key(`Ann@${domain}`), 'ann@xn--bcher-kva.example', domain)
  }
  t.equal(key('ann@faß.example'), key('ann@xn--fa-hia.example'))
  t.not(key('ann@faß.example'), key('ann@fass.example'), 'two domains since IDNA 2008')
  t.equal(readEmail('Ann@Faß.example')?.olderKey, 'ann@fass.example', 'as it was stored before')
  t.equal(key('ann@例え.テスト'), 'ann@xn--r8jz45g.xn--zckzah')
  t.equal(key('ü@x.org'), 'ü@x.org', 'the local part stays as it is')
})

t.test('a domain that is not valid in IDNA is folded as any other text', async (t) => {
  for (const domain of [
    'xn--zzzz',
    'xn--a.example',
    'a%41ü.example',
    'bü/cher',
    'bü:80',
    'bü?x',
    'bü#x',
    'bü\\x',
    'bü.1'
  ]) {
    t.equal(key(`Ann@${domain}`), `ann@${domain.toLowerCase()}`, domain)
  }
  for (const domain of ['127.1', '0x7f.1', '1.2.3', '[::1]', 'a_b.example']) t.equal(key(`a@${domain}`), `a@${domain}`)
  for (const domain of ['bücher.example.', 'bücher.example。', 'xn--bcher-kva.example.', 'bü..x', '。bü', 'bü\tcher']) {
    t.equal(readEmail(`ann@${domain}`), undefined, domain)
  }
})

t.test('folding a key again does not change it, in any spelling of the domain', async (t) => {
  const signs = [
    ...'abz019-_.ß。．ｘüÜéςσΣıİK中テ☃%/:@#?[]\\',
    'xn--',
    'xn--bcher-kva',
    '.',
    'e\u0301',
    '\u00ad',
    '\u200d'
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...signs), { minLength: 1, maxLength: 8 }), (parts) => {
      const address = `ann@${parts.join('')}`
      const found = readEmail(address)
      if (found === undefined) return true
      const again = readEmail(found.key)
      return again?.key === found.key && again.olderKey === found.key && key(found.address) === found.key
    }),
    { seed: 31, numRuns: 8000 }
  )
  t.pass('8,000 domains')
})

t.test('a masked address shows the domain and one character', async (t) => {
  t.equal(maskedAddress('evil@example.org'), 'e…@example.org')
  t.equal(maskedAddress('😀x@example.org'), '😀…@example.org')
  t.equal(maskedAddress('@example.org'), '…@example.org')
})
