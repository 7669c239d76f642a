import t from 'tap'
import type { Json, JsonObject } from '../../src/core/merge-patch.js'
import {
  faultOfPatch,
  faultOfProfile,
  maxProfileBytes,
  maxProfileDepth,
  wantsNewDeviceNotice
} from '../../src/core/profile.js'

/** `depth` nested objects or arrays. */
const nested = (depth: number, isArray = false): JsonObject => {
  let value: Json = 1
  for (let level = 1; level < depth; level += 1) value = isArray ? [value] : { a: value }
  return { a: value }
}

t.test('a patch can have any JSON', async (t) => {
  const patch = { a: null, b: [1, -2.5e3, null, { c: '😀 \u0001 "' }], d: true, '': {} }
  t.equal(faultOfPatch(patch), undefined)
  t.equal(faultOfPatch(nested(maxProfileDepth)), undefined)
  t.equal(faultOfPatch(nested(maxProfileDepth, true)), undefined)
})

t.test('a text that PostgreSQL cannot store is refused at every depth, with the name of the member', async (t) => {
  const message = 'has a character that cannot be stored'
  for (const text of ['\0', 'a\0b', '\ud800', 'a\udc00', '\udc00\ud800']) {
    t.strictSame(faultOfPatch({ ok: 1, name: text }), { field: 'name', message })
    t.strictSame(faultOfPatch({ name: [{ deep: text }] }), { field: 'name', message })
    t.strictSame(faultOfPatch({ name: { [text]: 1 } }), { field: 'name', message })
    t.strictSame(faultOfPatch({ [text]: 1 }), { field: text, message })
  }
  t.strictSame(faultOfPatch({ n: JSON.parse('[1e400]') }), { field: 'n', message: 'has a number that is too large' })
})

t.test('a patch that is nested too deep is refused', async (t) => {
  for (const patch of [nested(maxProfileDepth + 1), nested(maxProfileDepth + 1, true), nested(5000)]) {
    t.strictSame(faultOfPatch(patch), { field: 'a', message: 'is nested deeper than 20 levels' })
  }
})

t.test('a profile has at most 8 KiB of JSON, counted in UTF-8', async (t) => {
  const empty = JSON.stringify({ a: '' }).length
  t.equal(faultOfProfile({ a: 'x'.repeat(maxProfileBytes - empty) }), undefined)
  for (const a of ['x'.repeat(maxProfileBytes - empty + 1), 'ü'.repeat((maxProfileBytes - empty) / 2 + 1)]) {
    t.strictSame(faultOfProfile({ a }), { field: 'body', message: 'would make the profile longer than 8192 bytes' })
  }
})

t.test('locale is a language tag', async (t) => {
  for (const locale of ['de', 'de-AT', 'zh-Hant-TW', 'sr-Latn-RS-ekavsk'])
    t.equal(faultOfProfile({ locale }), undefined)
  for (const locale of ['', 'd', 'de_AT', 'de-', `de-${'a'.repeat(33)}`, 5, ['de'], {}, null, 'de\n']) {
    t.match(faultOfProfile({ locale }), { field: 'locale' }, JSON.stringify(locale))
  }
})

t.test('notices turn off new_device alone', async (t) => {
  for (const notices of [{}, { new_device: true }, { new_device: false }])
    t.equal(faultOfProfile({ notices }), undefined)
  for (const notices of [null, true, [], { new_device: 'no' }, { password_changed: false }, { newDevice: false }]) {
    t.match(faultOfProfile({ notices }), { field: 'notices' }, JSON.stringify(notices))
  }
})

t.test('a person wants the notice of a new device, unless the profile says no', async (t) => {
  for (const profile of [{}, { notices: {} }, { notices: { new_device: true } }]) t.ok(wantsNewDeviceNotice(profile))
  t.notOk(wantsNewDeviceNotice({ notices: { new_device: false } }))
})
