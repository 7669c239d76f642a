import t from 'tap'
import { maxDocumentBytes } from '../../src/core/json-document.js'
import { faultOfProfile, wantsNewDeviceNotice } from '../../src/core/profile.js'

t.test('a profile has at most 8 KiB of JSON, counted in UTF-8', async (t) => {
  const empty = JSON.stringify({ a: '' }).length
  t.equal(faultOfProfile({ a: 'x'.repeat(maxDocumentBytes - empty) }), undefined)
  for (const a of ['x'.repeat(maxDocumentBytes - empty + 1), 'ü'.repeat((maxDocumentBytes - empty) / 2 + 1)]) {
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
