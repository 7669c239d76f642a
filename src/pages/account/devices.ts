import type { DeviceSession } from '../../client/index.js'
import { client, request, withRecentLogin } from '../shared/connection.js'
import { deviceName, deviceRow, rowButton } from '../shared/device-row.js'
import { ask } from '../shared/dialog.js'
import { byId, replaceChildren } from '../shared/dom.js'
import { hasPasswords } from '../shared/features.js'
import { onClick, showStatus } from '../shared/status.js'
import { say } from '../shared/words/language.js'

const title = byId('devices-title', HTMLHeadingElement)
const list = byId('devices', HTMLUListElement)
const endOthers = byId('end-others', HTMLButtonElement)

/** Connects the button “Sign out all others”. `changed` runs after each change. */
export function prepareDevices(changed: () => Promise<void>): void {
  onClick(endOthers, async () => {
    const answer = await ask({
      title: say('sign_out_others_title'),
      text: say('sign_out_others_text'),
      confirm: say('sign_out_others'),
      dangerous: true
    })
    if (answer === undefined) return
    await withRecentLogin(client.revokeOthers)
    await changed()
    showStatus(say('others_signed_out'))
    title.focus()
  })
}

/** Lists the devices that are signed in: this device first, then by last use. */
export async function loadDevices(changed: () => Promise<void>): Promise<void> {
  const sessions = await client.sessions()
  const sorted = [...sessions].sort(
    (a, b) => Number(b.current) - Number(a.current) || b.last_used_at.localeCompare(a.last_used_at)
  )
  endOthers.hidden = sessions.length < 2
  const rows = sorted.map((session) => row(session, changed))
  replaceChildren(list, rows, title)
}

function row(session: DeviceSession, changed: () => Promise<void>): HTMLLIElement {
  const name = deviceName(session)
  const rename = onClick(rowButton(say('rename'), session, { class: 'quiet' }), async () => {
    const answer = await ask({
      title: say('rename_title'),
      text: say('rename_text'),
      confirm: say('save'),
      field: { label: say('name'), value: name, required: true }
    })
    if (answer === undefined || answer.value === '') return
    await request('PATCH', `sessions/${session.id}`, { device: answer.value })
    await changed()
    showStatus(say('renamed', { name: answer.value }))
  })
  if (session.current) return deviceRow(session, [rename])

  const end = onClick(rowButton(say('sign_out'), session, { class: 'quiet danger' }), async () => {
    const answer = await ask({
      title: say('sign_out_device_title', { name }),
      text: say((await hasPasswords()) ? 'sign_out_device_text' : 'sign_out_device_text_no_password'),
      confirm: say('sign_out'),
      dangerous: true
    })
    if (answer === undefined) return
    await withRecentLogin(() => client.revoke(session.id))
    await changed()
    showStatus(say('device_signed_out', { name }))
  })
  return deviceRow(session, [rename, end])
}
