import { request } from '../shared/connection.js'
import { byId, element } from '../shared/dom.js'
import { features, hasPasswords } from '../shared/features.js'
import type { Profile } from '../shared/responses.js'
import { onSubmit, showStatus } from '../shared/status.js'
import { label, say } from '../shared/words/language.js'
import { sentence } from '../shared/words/words.js'

const form = byId('preferences-form', HTMLFormElement)
const language = byId('language', HTMLSelectElement)
const notices = byId('notices', HTMLDivElement)
const hint = byId('notices-hint', HTMLParagraphElement)
const newDevice = byId('notice-new-device', HTMLInputElement)

let shown = ''

/** Connects the form. `changed` shows the page again, because its language may have changed. */
export function preparePreferences(changed: () => Promise<void>): void {
  onSubmit(form, async () => {
    const locale = language.value === '' ? null : language.value
    await request('PATCH', 'me/profile', { locale, notices: { new_device: newDevice.checked } })
    await changed()
    showStatus(say('saved'))
  })
}

export function loadProfile(): Promise<Profile> {
  return request<Profile>('GET', 'me/profile')
}

/** Shows the saved choices. Keeps what the user has not saved yet, unless the saved choices have changed since. */
export async function showPreferences({ locale = '', notices: wanted }: Profile): Promise<void> {
  const { locales = [], mail } = await features()
  const isNew = JSON.stringify([locale, wanted, say('language_of_browser')])
  if (isNew === shown) return
  shown = isNew
  const tags = new Set(locale === '' ? locales : [...locales, locale])
  language.replaceChildren(
    element('option', { value: '' }, say('language_of_browser')),
    ...[...tags].map((tag) => element('option', { value: tag, lang: tag }, languageName(tag)))
  )
  language.value = locale
  newDevice.checked = wanted?.new_device ?? true
  notices.hidden = !mail
  label(hint, (await hasPasswords()) ? 'notices_hint' : 'notices_hint_no_password')
}

/** The name of a language in that language, such as "Deutsch". */
const languageName = (tag: string) => sentence(new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag)
